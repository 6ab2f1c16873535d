/** Keys that are kept although nothing is under them, so that few entries cost no copies at all. */
const EMPTY_MOST = 256;

/**
 * A map for entries that come and go all the time. V8's own has each table that it outgrows point to the next one. When one
 * of them is old, all later ones stay until the next full collection, with everything that was in them: collecting young objects
 * then takes ten times as long, and everybody waits meanwhile. So nothing is deleted here: a key that is let go stays with
 * nothing under it, and when there are many of those, the rest moves to a table that no other one knows.
 */
export class BriefMap<Key, Value extends object> {
  #entries = new Map<Key, Value | undefined>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: Key): boolean {
    return this.#entries.get(key) !== undefined;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    if (!this.has(key)) this.#size++;
    this.#entries.set(key, value);
  }

  /** Says whether there was one. */
  delete(key: Key): boolean {
    if (!this.has(key)) return false;
    this.#entries.set(key, undefined);
    this.#size--;
    if (this.#entries.size > EMPTY_MOST + 2 * this.#size) this.#move();
    return true;
  }

  clear(): void {
    this.#entries = new Map();
    this.#size = 0;
  }

  /** In no order. While somebody goes through it, nothing may be set or deleted. */
  *values(): IterableIterator<Value> {
    for (const value of this.#entries.values()) if (value !== undefined) yield value;
  }

  /** The table that is left must not hold what is still in use: it may be old, too. */
  #move(): void {
    const left = this.#entries;
    const entries = new Map<Key, Value | undefined>();
    for (const [key, value] of left) {
      if (value === undefined) continue;
      entries.set(key, value);
      left.set(key, undefined);
    }
    this.#entries = entries;
  }
}
