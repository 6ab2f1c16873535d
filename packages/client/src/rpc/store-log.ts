/** What a reply told about the store's log of changes. Wire contract section 5. */
export interface LogPosition {
  readonly log: string;
  readonly rev: number;
}

/** Whether a log is another one than the log known before. A router that nobody has used has none yet: `''`. */
export function isAnotherLog(known: string | undefined, log: string | undefined): boolean {
  return known !== undefined && known !== '' && log !== undefined && known !== log;
}

/**
 * Which log of changes the store has, as far as this client saw. Another `log`, or a `rev` lower than one that was seen
 * before, means that the store forgot something.
 */
export class StoreLog {
  #log: string | undefined;
  #rev = 0;

  /** Any reply. Replies overtake each other, so only the highest `rev` counts. */
  saw(rev: number): void {
    if (rev > this.#rev) this.#rev = rev;
  }

  get isKnown(): boolean {
    return this.#log !== undefined;
  }

  get rev(): number {
    return this.#rev;
  }

  /**
   * The store as it is now. `revBefore` was seen before this position was asked for. Says whether the store lost data
   * since it was looked at last.
   */
  compare(position: LogPosition, revBefore: number): boolean {
    const isOther = isAnotherLog(this.#log, position.log);
    const hasFallen = position.rev < revBefore;
    if (isOther || hasFallen) this.#rev = position.rev;
    this.#log = position.log;
    return isOther || hasFallen;
  }
}
