import type { Command } from 'commander';
import { logged } from './arguments.ts';
import type { Context } from './command.ts';
import { ExitCode, UsageError } from './exit-code.ts';
import type { Io } from './io.ts';
import { printable } from './output/terminal.ts';

/** The options of a command of an operator, as given on the command line. */
export interface AdminFlags {
  readonly why: string;
  readonly actor?: string;
  readonly yes?: boolean;
}

/** What such a command passes on, and whether it asks first. */
export interface AdminOptions {
  /** The operator, for the log. */
  readonly actor: string;
  /** The reason. */
  readonly why: string;
  /** Asks the person at the terminal; absent with `--yes`. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
}

/** Adds the options of the commands of operators. `readers`: who is told the reason. */
export function withAdminOptions(command: Command, readers = 'for the log'): Command {
  return command
    .requiredOption('--why <text>', `the reason, ${readers}`, logged)
    .option('--actor <name>', 'the operator, for the log (user@host)', logged)
    .option('--yes', 'do not ask for a confirmation');
}

export function adminOptions({ why, actor, yes }: AdminFlags, io: Io): AdminOptions {
  return { why, actor: actor ?? io.user, confirm: yes === true ? undefined : confirming(io) };
}

/** Any answer but `y` or `yes` is a no, and so is the end of the input. Throws {@link UsageError} without a terminal. */
function confirming(io: Pick<Io, 'ask' | 'canAsk'>): (question: string) => Promise<boolean> {
  return async (question) => {
    if (!io.canAsk) throw new UsageError('no terminal to confirm on: add --yes');
    const answer = await io.ask(printable(`${question} [y/N] `));
    return /^\s*y(es)?\s*$/i.test(answer ?? '');
  };
}

/** The answer was no. */
export function declined({ out }: Pick<Context, 'out'>): ExitCode {
  out.note('nothing was changed');
  return ExitCode.refused;
}
