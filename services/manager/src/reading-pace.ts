/** For how long the bus is left unread, in ms; what else comes meanwhile waits as long, at most. */
const REST_MS = 10;
/** Where the one before came longer ago, little would be read together. */
const CLOSE_MS = 1;
/** After a request that somebody waits for, more are to be expected. */
const CALM_AFTER_MS = 100;

/**
 * When the bus may be left unread for a moment: while nothing comes but what has patience, and that often. Of ten thousand
 * sessions, keepalives come three in a millisecond, and to read each by itself costs more than all that is done with it.
 */
export class ReadingPace {
  readonly #rest: (ms: number) => void;
  #hurriedMono = -Infinity;
  #patientMono = -Infinity;

  /** @param rest leaves the bus unread for so many ms */
  constructor(rest: (ms: number) => void) {
    this.#rest = rest;
  }

  /** Whether there was no request for a while that somebody waits for. */
  isCalm(nowMono: number): boolean {
    return nowMono - this.#hurriedMono > CALM_AFTER_MS;
  }

  /** Told of each request as it comes. */
  arrived(isPatient: boolean, nowMono: number): void {
    if (!isPatient) {
      this.#hurriedMono = nowMono;
      return;
    }
    if (this.isCalm(nowMono) && nowMono - this.#patientMono < CLOSE_MS) this.#rest(REST_MS);
    this.#patientMono = nowMono;
  }
}
