/** The failures that an acknowledged change survives: see {@link promiseOf}. */
export type DurabilityMode = 'memory' | 'durable' | 'replicated';

/** The promised durability and its parameters. */
export type Durability =
  | { readonly mode: 'memory' | 'durable' }
  | {
      readonly mode: 'replicated';
      /** How many replicas must have a change before it is acknowledged. */
      readonly replicas: number;
      /** How long they may take, in ms. */
      readonly withinMs: number;
    };

/** The promise of each mode in a sentence, for logs and people. */
export function promiseOf(durability: Durability): string {
  switch (durability.mode) {
    case 'memory':
      return 'one owner as long as this Redis keeps running; a Redis restart loses all ownership';
    case 'durable':
      return 'an answered change is on the disk of Redis: no crash of a process or of the machine loses it';
    case 'replicated': {
      const { replicas } = durability;
      const where = replicas === 1 ? 'a replica' : `${replicas} replicas`;
      return `an answered change is in the memory of ${where}: losing the primary alone does not lose it`;
    }
  }
}
