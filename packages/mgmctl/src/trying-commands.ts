import { ProtocolId } from '@mgm/client';
import { Option, type Command } from 'commander';
import { componentId, duration, ifIndex, integer, logged, nextHop, protocol } from './arguments.ts';
import { bench, BENCH_ROUTER } from './bench.ts';
import { register, take, type RegisterOptions } from './hold.ts';
import type { Io } from './io.ts';
import type { Run } from './program.ts';
import { example, INTERFACE, keyOf, NEXT_HOP, type OnInterface } from './reading-commands.ts';

/** Adds the commands that act as a worker does, to try things out. */
export function addTryingCommands(program: Command, run: Run, io: Io): void {
  asClient(program.command('take'), io)
    .summary('take an interface and hold it until Ctrl-C')
    .description(
      'Registers, takes an interface, and gives it back at Ctrl-C. For trying things out.',
    )
    .argument(...INTERFACE, ifIndex)
    .argument(...NEXT_HOP, nextHop)
    .addHelpText('after', example('take 7', 'take 7 10.0.0.1 --protocol IGMP'))
    .action((...[index, hop, options, command]: OnInterface<RegisterOptions>) =>
      run(command, (given) => take(given, { ...options, key: keyOf(index, hop) })),
    );
  asClient(program.command('register'), io)
    .summary('open a session and keep it until Ctrl-C')
    .description(
      'Registers, shows the callbacks that come, and deregisters at Ctrl-C. For trying things out.',
    )
    .addHelpText('after', example('register --protocol IGMP --component 1'))
    .action((options: RegisterOptions, command: Command) =>
      run(command, (given) => register(given, options)),
    );
  addBench(program, run, io);
}

const BENCH_MS = 5_000;
const BENCH_LONGEST_MS = 60_000;

interface BenchFlags {
  readonly duration: number;
  readonly sessions: number;
  readonly inFlight: number;
}

function addBench(program: Command, run: Run, { screen }: Io): void {
  const lasting = new Option('--duration <duration>', 'for how long')
    .argParser(duration(100, BENCH_LONGEST_MS))
    .default(BENCH_MS, '5s');
  program
    .command('bench')
    .summary('measure how fast interfaces are taken and released')
    .description(
      `Takes and releases interfaces as fast as it is answered, on a router of its own: ${BENCH_ROUTER}\n` +
        'unless --router names another bench-…; MGM_ROUTER does not count. Other routers share the managers with it.',
    )
    .addOption(lasting)
    .option('--sessions <number>', 'from how many sessions, 1 to 64', integer(1, 64), 4)
    .option('--in-flight <number>', 'interfaces at once in each, 1 to 1024', integer(1, 1_024), 16)
    .addHelpText(
      'after',
      example('bench', 'bench --duration 10s --sessions 1 --in-flight 1').replaceAll(
        '--router r1 ',
        '',
      ),
    )
    .action(({ duration: durationMs, ...load }: BenchFlags, command: Command) =>
      run(command, (given) => bench(given, { ...load, durationMs, screen }), BENCH_ROUTER),
    );
}

function asClient(command: Command, { pid, user }: Io): Command {
  const as = new Option('--protocol <name>', 'as which protocol: PIM, IGMP or a number')
    .argParser(protocol)
    .default(ProtocolId.PIM, 'PIM');
  const component = new Option('--component <number>', 'as which component')
    .argParser(componentId)
    .default(pid, 'the number of this process');
  const name = new Option('--name <text>', 'what others see it as')
    .argParser(logged)
    .default(`mgmctl ${user}`, 'mgmctl user@host');
  const ttl = new Option('--ttl <duration>', 'how long it lives without a sign of life')
    .argParser(duration(1_000, 300_000))
    .default(undefined, '10s');
  return command.addOption(as).addOption(component).addOption(name).addOption(ttl);
}
