import { once } from 'node:events';
import pino, { type Logger, type LoggerOptions } from 'pino';

/** Fields that are never logged on purpose; a request or reply that gets into a line does not show them. */
const SECRETS = ['handle', 'instance', 'password', 'pass', 'token'];

/** The format of log lines, for any destination. */
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

/** A logger that writes JSON lines to standard output. `close` resolves when all lines are written. */
export function createLogger(level: string): { log: Logger; close: () => Promise<void> } {
  // Asynchronous: a slow reader of our output must not block requests. Lines wait in memory, at most 16 MiB.
  const output = pino.destination({ dest: 1, sync: false, maxLength: 16 * 1024 * 1024 });
  const lines = new LineBuffer((text) => void output.write(text));
  const close = async (): Promise<void> => {
    lines.flush();
    const closed = once(output, 'close');
    output.end();
    await closed;
  };
  return { log: pino(lineOptions(level), lines), close };
}

/** How long a line may wait for others, in ms. */
const FLUSH_AFTER_MS = 20;

/**
 * Writes the lines of 20 ms in one piece. A write per line costs more than the line itself: it wakes a thread, which competes
 * for a core with the client that waits for its reply.
 */
class LineBuffer {
  readonly #write: (text: string) => void;
  #lines: string[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  write(line: string): void {
    if (this.#lines.push(printable(line)) === 1) setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }

  flush(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    if (text !== '') this.#write(text);
  }
}

const UNUSUAL = /[^\x20-\x7e\n]/;
/** Control, format and unassigned characters and line separators, except the end of the line. */
const CONTROLS = /[^\P{C}\n]|[\u2028\u2029]/gu;

/**
 * Escapes what could control a terminal or disguise the text of a line: pino escapes C0 controls only. The line stays the same
 * JSON.
 */
export function printable(line: string): string {
  // Most lines are ASCII, and the first pattern is ten times faster.
  return UNUSUAL.test(line) ? line.replaceAll(CONTROLS, escaped) : line;
}

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

const REPEAT_AFTER_MS = 60_000;

interface Trouble {
  loggedMono: number;
  notedMono: number;
  /** Occurrences since the last line. */
  times: number;
}

/** Rate-limits errors that may come with every request: one line per kind and minute, with the number of occurrences. */
export class TroubleLog {
  readonly #log: Logger;
  readonly #known = new Map<string, Trouble>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether trouble of this kind, which may be the last word of a longer one, was noted within the last `withinMs`. */
  hasRecent(kind: string, withinMs: number): boolean {
    const since = performance.now() - withinMs;
    return this.#known
      .entries()
      .some(([name, { notedMono }]) => name.split(' ').at(-1) === kind && notedMono > since);
  }

  /** @param kind one of a small fixed set */
  note(kind: string, fields: object, message: string): void {
    const now = performance.now();
    const known = this.#known.get(kind) ?? { loggedMono: -Infinity, notedMono: now, times: 0 };
    known.notedMono = now;
    this.#known.set(kind, known);
    known.times++;
    if (now - known.loggedMono < REPEAT_AFTER_MS) return;
    this.#log.error({ kind, times: known.times, ...fields }, message);
    known.loggedMono = now;
    known.times = 0;
  }
}
