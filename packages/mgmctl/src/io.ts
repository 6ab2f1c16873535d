import { addAbortListener } from 'node:events';
import { hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { ExitCode } from './exit-code.ts';

/** What the program gets from the process that it runs in. */
export interface Io {
  /** Writes to the standard output. */
  write(text: string): void;
  /** Writes to the standard error. */
  writeError(text: string): void;
  /** The standard output if it is a terminal, else `undefined`: for output that is redrawn in place. */
  readonly screen: NodeJS.WriteStream | undefined;
  /** Asks a person and resolves with the answer; `undefined` if the input ended without one. */
  ask(question: string): Promise<string | undefined>;
  /** Whether a person can be asked. */
  readonly canAsk: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user who runs this, as `user@host`. */
  readonly user: string;
  readonly pid: number;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

/** {@link Io} of this process. */
export interface ProcessIo extends Io, Disposable {
  /** Waits until the output was written. `reader-gone`: the reader closed the pipe. An error: it cannot be written. */
  outcome(): Promise<'written' | 'reader-gone' | Error>;
}

/**
 * The process as the program sees it. The first signal that asks to end lets the command clean up, the second one ends the
 * process immediately. If the output cannot be written, or its reader closes the pipe as `| head` does, the command ends as
 * after a signal, so that it gives back what it holds.
 */
export function processIo(): ProcessIo {
  const ending = new AbortController();
  let outcome: 'written' | 'reader-gone' | Error = 'written';
  const onSignal = (): void => {
    if (ending.signal.aborted) process.exit(ExitCode.interrupted);
    ending.abort();
  };
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    outcome = error.code === 'EPIPE' ? 'reader-gone' : error;
    ending.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.stdout.on('error', onOutputError);
  // Without a standard error nothing can be reported; the exit code remains.
  process.stderr.on('error', () => {});
  return {
    write: (text) => void (outcome === 'written' && process.stdout.write(text)),
    writeError: (text) => void process.stderr.write(text),
    screen: process.stdout.isTTY ? process.stdout : undefined,
    ask: (question) => ask(question, ending.signal),
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    // oxlint-disable-next-line node/no-process-env -- this is a program: it reads its settings here and passes them on
    env: process.env,
    user: `${userName()}@${hostname()}`,
    pid: process.pid,
    signal: ending.signal,
    outcome: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      process.stdout.write('', () => resolve());
      await promise;
      return outcome;
    },
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** In containers the numeric user id often has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${process.getuid?.() ?? ''}`;
  }
}

/** Asks on the standard error, since the standard output may be read by a program. */
async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.once('close', () => resolve(undefined));
  // In raw mode Ctrl-C is a key, not a signal.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  using _ = addAbortListener(signal, () => lines.close());
  lines.question(question, resolve);
  return await promise.finally(() => lines.close());
}
