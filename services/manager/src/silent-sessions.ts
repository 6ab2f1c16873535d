import type { RouterName, SessionId } from '@mgm/protocol';

/** After this many unanswered questions in a row … */
const UNANSWERED_MAX = 3;
/** … a session is not asked for this long, in ms. */
const SILENT_MS = 5_000;
/** Sessions that are remembered; of more, the oldest are asked again. */
const SESSIONS_MAX = 10_000;

interface Silence {
  readonly router: RouterName;
  readonly session: SessionId;
  unanswered: number;
  untilMono: number;
}

/** The sessions that answer no questions. Forwarding contract, section 5.4. */
export class SilentSessions {
  readonly #silences = new Map<string, Silence>();
  readonly #nowMono: () => number;

  /** `nowMono`: ms on a monotonic clock. */
  constructor(nowMono: () => number = () => performance.now()) {
    this.#nowMono = nowMono;
  }

  /** Notes the outcome of a question. */
  note(router: RouterName, session: SessionId, isUnanswered: boolean): void {
    const key = `${router} ${session}`;
    const known = this.#silences.get(key);
    if (!isUnanswered) {
      this.#silences.delete(key);
      return;
    }
    const silence = known ?? { router, session, unanswered: 0, untilMono: 0 };
    silence.unanswered++;
    if (silence.unanswered >= UNANSWERED_MAX) silence.untilMono = this.#nowMono() + SILENT_MS;
    this.#silences.set(key, silence);
    const [oldest] = this.#silences.keys();
    if (this.#silences.size > SESSIONS_MAX && oldest !== undefined) this.#silences.delete(oldest);
  }

  /** The sessions of a router that are not to be asked now. */
  of(router: RouterName): SessionId[] {
    if (this.#silences.size === 0) return [];
    const found: SessionId[] = [];
    for (const [key, silence] of this.#silences) {
      if (silence.unanswered < UNANSWERED_MAX) continue;
      if (silence.untilMono <= this.#nowMono()) this.#silences.delete(key);
      else if (silence.router === router) found.push(silence.session);
    }
    return found;
  }
}
