import type { Io } from './io.ts';
import { UsageError } from './usage-error.ts';

/** What a command that takes something away is asked for by force with. */
export interface ForceOptions {
  /** Who does it, for the log. */
  readonly actor: string;
  /** Why, for the log and for whoever loses something. */
  readonly why: string;
  /** Who is asked first; absent where nobody is to be. */
  readonly confirm?: Confirm | undefined;
}

/** Whether to go on with what the question describes. */
export type Confirm = (question: string) => Promise<boolean>;

/**
 * Asks a person. Anything but `y` or `yes` is a no, and so is the end of the input.
 *
 * @throws UsageError where there is nobody to ask
 */
export function askingPerson(io: Pick<Io, 'ask' | 'canAsk'>): Confirm {
  return async (question) => {
    if (!io.canAsk)
      throw new UsageError('there is no terminal to ask for a confirmation: add --yes');
    const answer = await io.ask(`${question} [y/N] `);
    return /^\s*y(es)?\s*$/i.test(answer ?? '');
  };
}
