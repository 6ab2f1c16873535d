/** The size of a run and the seed of its faults. The messages they hit depend on the machine. */
export interface ChaosSettings {
  readonly changes: number;
  readonly seed: number;
  /** The shortest duration of the load, which is spread over it so that faults hit it. */
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
