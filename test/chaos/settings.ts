/** How large a run is, and the seed of its faults. Which messages they meet is up to the machine. */
export interface ChaosSettings {
  readonly changes: number;
  readonly seed: number;
  /** How long the load takes at least: it is spread over this time, so that faults meet it. */
  readonly loadMs: number;
}

const CHANGES = 20_000;
const CHANGES_PER_SECOND = 1_250;
const LOAD_MS_MAX = 60_000;

export function chaosSettings(env: Readonly<Record<string, string | undefined>>): ChaosSettings {
  const changes = integer('MGM_CHAOS_CHANGES', env['MGM_CHAOS_CHANGES'] ?? String(CHANGES));
  const seed = integer('MGM_CHAOS_SEED', env['MGM_CHAOS_SEED'] ?? String(Date.now() % 2 ** 31));
  return { changes, seed, loadMs: Math.min(LOAD_MS_MAX, (changes / CHANGES_PER_SECOND) * 1_000) };
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`${name}: must be a whole number above 0`);
}

/** Chance that can be repeated. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  one<Item>(items: readonly Item[]): Item {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }

  /** Another chance, that this one has no more influence on. */
  fork(): Chance {
    return new Chance(this.between(1, 2 ** 31 - 1));
  }
}
