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

/** How long a line may wait for others, in ms. */
const GATHER_MS = 20;

/**
 * Writes what is logged within a moment in one piece. A write of its own per line costs more than the line, and where little
 * else is going on more than the request that it tells of: it wakes a thread, which takes the core from whom the answer went to.
 */
class GatheredLines {
  readonly #write: (text: string) => void;
  #waiting: string[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  write(line: string): void {
    if (this.#waiting.push(line) === 1) setTimeout(() => this.flush(), GATHER_MS);
  }

  flush(): void {
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (text !== '') this.#write(text);
  }
}
