import type { Command } from 'commander';
import { ifIndex, logged, nextHop, session } from './arguments.ts';
import { askingPerson, type ForceOptions } from './confirm.ts';
import { evict } from './evict.ts';
import type { Io } from './io.ts';
import type { Run } from './program.ts';
import { example, INTERFACE, keyOf, NEXT_HOP, type OnInterface } from './reading-commands.ts';
import { release } from './release.ts';

interface Flags {
  readonly why: string;
  readonly actor?: string;
  readonly yes?: boolean;
}

/** Adds the commands that take something away from others. */
export function addAdminCommands(program: Command, run: Run, io: Io): void {
  byForce(program.command('release'))
    .summary('take an interface away from its owner')
    .description('Takes an interface away from whoever holds it. The former owner is told why.')
    .argument(...INTERFACE, ifIndex)
    .argument(...NEXT_HOP, nextHop)
    .addHelpText('after', example('release 7 --why "moved to the standby"'))
    .action((...[index, hop, flags, command]: OnInterface<Flags>) =>
      run(command, (given) => release(given, { ...keyOf(index, hop), ...forceOf(flags, io) })),
    );
  byForce(program.command('evict'))
    .summary('end a session with all it has')
    .description('Ends a session at once. Whatever it held is free.')
    .argument('<session>', 'the number of the session, as mgmctl sessions shows it', session)
    .addHelpText('after', example('evict 1795360064929550 --why "the process hangs" --yes'))
    .action((number: number, flags: Flags, command: Command) =>
      run(command, (given) => evict(given, { session: number, ...forceOf(flags, io) })),
    );
}

function byForce(command: Command): Command {
  return command
    .requiredOption('--why <text>', 'the reason, for the log and for whoever loses', logged)
    .option('--actor <name>', 'who does it, for the log (user@host)', logged)
    .option('--yes', 'do not ask');
}

function forceOf({ why, actor, yes }: Flags, io: Io): ForceOptions {
  return { why, actor: actor ?? io.user, confirm: yes === true ? undefined : askingPerson(io) };
}
