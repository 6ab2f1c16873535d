import type { InterfaceKey, NextHop } from '@mgm/client';
import { Option, type Command } from 'commander';
import { count, duration, ifIndex, nextHop, protocol, revision, session } from './arguments.ts';
import { history } from './history.ts';
import type { Io } from './io.ts';
import { interfaces, type InterfacesOptions } from './interfaces.ts';
import { owner } from './owner.ts';
import type { Run } from './program.ts';
import { sessions, type SessionsOptions } from './sessions.ts';
import { top, type TopOptions } from './top.ts';
import { validate } from './validate.ts';
import { watch, type WatchOptions } from './watch.ts';

/** The words for an interface on the command line. */
export const INTERFACE = ['<if>', 'the index of the interface'] as const;
export const NEXT_HOP = ['[nextHop]', 'its next hop, where it has several'] as const;

/** Adds the commands that change nothing. */
export function addReadingCommands(program: Command, run: Run, io: Io): void {
  addLists(program, run);
  addQuestions(program, run);
  addChanges(program, run);
  addTop(program, run, io);
}

function addLists(program: Command, run: Run): void {
  program
    .command('interfaces')
    .summary('list what is held, and by whom')
    .description('Lists the interfaces that somebody is on.')
    .option('--session <number>', 'only those of this session', session)
    .option('--protocol <name>', 'only those of this protocol: PIM, IGMP or a number', protocol)
    .option('--if <index>', 'only this interface, with all its next hops', ifIndex)
    .option('--stale', 'only those whose holder is away and expected back')
    .addHelpText('after', example('interfaces --protocol PIM', 'interfaces --stale --json'))
    .action((options: InterfacesOptions, command: Command) =>
      run(command, (given) => interfaces(given, options)),
    );
  program
    .command('sessions')
    .summary('list who is registered')
    .description('Lists the sessions that live, and the stale ones whose grace time runs.')
    .option('--protocol <name>', 'only those of this protocol: PIM, IGMP or a number', protocol)
    .option('--stale', 'only stale ones')
    .addHelpText('after', example('sessions', 'sessions --protocol 103 --json'))
    .action((options: SessionsOptions, command: Command) =>
      run(command, (given) => sessions(given, options)),
    );
}

function addQuestions(program: Command, run: Run): void {
  program
    .command('owner')
    .summary('tell who holds an interface')
    .description('Tells who holds an interface. Exit code 4 where nobody does.')
    .argument(...INTERFACE, ifIndex)
    .argument(...NEXT_HOP, nextHop)
    .addHelpText('after', example('owner 7', 'owner 7 10.0.0.1 --json'))
    .action((...[index, hop, , command]: OnInterface) =>
      run(command, (given) => owner(given, keyOf(index, hop))),
    );
  program
    .command('validate')
    .summary('tell whether an epoch is in force')
    .description(
      'Tells whether an epoch is the one in force on an interface. Exit code 1 where it is not.',
    )
    .argument(...INTERFACE, ifIndex)
    .argument('<epoch>', 'the epoch that somebody acts under')
    .argument(...NEXT_HOP, nextHop)
    .addHelpText('after', example('validate 7 1795360064931002'))
    .action((index: number, epoch: string, hop: OnInterface[1], _: object, command: Command) =>
      run(command, (given) => validate(given, { ...keyOf(index, hop), epoch })),
    );
}

/** What commander hands to the action of a command on one interface. */
export type OnInterface<Options = object> = [
  ifIndex: number,
  nextHop: NextHop | undefined,
  options: Options,
  command: Command,
];

/** The interface that a command line names. */
export function keyOf(ifIndex: number, hop: NextHop | undefined): InterfaceKey {
  return { ifIndex, nextHop: hop ?? nextHop(undefined) };
}

function addChanges(program: Command, run: Run): void {
  program
    .command('watch')
    .summary('show each change as it happens')
    .description('Shows each change as it happens, without gaps, until Ctrl-C.')
    .option('--from <revision>', 'begin with the changes after this revision', revision)
    .option('--count <number>', 'end after so many changes', count)
    .addHelpText('after', example('watch', 'watch --from 0 --count 10 --json'))
    .action((options: WatchOptions, command: Command) =>
      run(command, (given) => watch(given, options)),
    );
  program
    .command('history')
    .summary('show what happened to an interface')
    .description(
      'Shows what the log still tells of an interface. Exit code 4 where that is nothing.',
    )
    .argument(...INTERFACE, ifIndex)
    .argument(...NEXT_HOP, nextHop)
    .option('--from <revision>', 'begin with the changes after this revision', revision)
    .addHelpText('after', example('history 7', 'history 7 10.0.0.1 --json'))
    .action((...[index, hop, options, command]: OnInterface<{ from?: number }>) =>
      run(command, (given) => history(given, { ...keyOf(index, hop), ...options })),
    );
}

function addTop(program: Command, run: Run, { screen }: Io): void {
  const every = new Option('--every <duration>', 'how often to look')
    .argParser(duration(100, 3_600_000))
    .default(EVERY_MS, '2s');
  program
    .command('top')
    .summary('show sessions and changes, live')
    .description('Shows who is registered and what happens, painted over itself, until Ctrl-C.')
    .addOption(every)
    .option('--count <number>', 'end after so many looks', count)
    .addHelpText('after', example('top', 'top --every 10s --json'))
    .action((options: Omit<TopOptions, 'screen'>, command: Command) =>
      run(command, (given) => top(given, { ...options, screen })),
    );
}

const EVERY_MS = 2_000;

/** The end of a command's help. */
export function example(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  mgmctl --router r1 ${line}`)].join('\n');
}
