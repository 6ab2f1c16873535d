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
  const close = async (): Promise<void> => {
    const closed = once(output, 'close');
    output.end();
    await closed;
  };
  return { log: pino(lineOptions(level), output), close };
}
