import { once } from 'node:events';
import pino, { type Logger, type LoggerOptions } from 'pino';

/** Fields that nothing logs on purpose; should a request or reply get into a line after all, they are not shown. */
const SECRETS = ['handle', 'instance', 'password', 'pass', 'token'];

/** How lines are written, for a logger that goes anywhere. */
export function lineOptions(level: string): LoggerOptions {
  const paths = SECRETS.flatMap((field) => [field, `*.${field}`]);
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths, censor: '***' },
  };
}

/** A logger that writes JSON lines to standard output, and how to end it: resolves when all is written. */
export function createLogger(level: string): { log: Logger; close: () => Promise<void> } {
  // Not synchronous: a slow reader of our output must not stop requests. Lines wait in memory, 16 MiB at most.
  const output = pino.destination({ dest: 1, sync: false, maxLength: 16 * 1024 * 1024 });
  const lines = new GatheredLines((text) => void output.write(text));
  const close = async (): Promise<void> => {
    lines.flush();
    const closed = once(output, 'close');
    output.end();
    await closed;
  };
  return { log: pino(lineOptions(level), lines), close };
}

/** Writes what one turn of the event loop logs in one piece: under load, a write of its own per line costs more than it. */
class GatheredLines {
  readonly #write: (text: string) => void;
  #waiting: string[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  write(line: string): void {
    if (this.#waiting.push(line) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (text !== '') this.#write(text);
  }
}
