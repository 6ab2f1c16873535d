/** Random numbers from a seed, so that a worker behaves the same in each run with the same seed. */
export interface Random {
  /** From `min` (inclusive) to `max` (exclusive). */
  between(min: number, max: number): number;
  /** One of the choices; `undefined` if there is none. */
  pick<Choice>(choices: readonly Choice[]): Choice | undefined;
}

/** Mulberry32 (public domain, Tommy Ettinger): 32 bits of state suffice for a demo. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (min, max) => min + next() * (max - min),
    pick: (choices) => choices[Math.floor(next() * choices.length)],
  };
}
