import type { Logger } from 'pino';

const AGAIN_AFTER_MS = 60_000;

interface Trouble {
  loggedMono: number;
  /** Since it was logged last. */
  times: number;
}

/** Logs trouble that comes with every request once, and then at most once a minute with how often it came. */
export class TroubleLog {
  readonly #log: Logger;
  readonly #known = new Map<string, Trouble>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `kind` is one of a fixed few. */
  note(kind: string, fields: object, message: string): void {
    const now = performance.now();
    const known = this.#known.get(kind) ?? { loggedMono: -Infinity, times: 0 };
    this.#known.set(kind, known);
    known.times++;
    if (now - known.loggedMono < AGAIN_AFTER_MS) return;
    this.#log.error({ kind, times: known.times, ...fields }, message);
    known.loggedMono = now;
    known.times = 0;
  }
}
