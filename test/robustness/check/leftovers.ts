import type { Finding } from './evidence.ts';

/** A key of a router in the store. */
export interface LeftKey {
  readonly key: string;
  /** How long it is still kept; -1: for ever. */
  readonly keptForMs: number;
  /** The memory that Redis has for it. */
  readonly bytes: number;
}

/** What a router may leave when everybody has left: its log, what it has one of, and for a while who was there. */
const LOG = /:events$/;
const OF_ROUTER = /:meta$/;
const FORMER_CLIENT = /:client:\d+$/;
/** Of what has one record and nothing more. */
const RECORD_BYTES = 1_024;

/** Nothing stays of those who have left but the log and a record each, for a while. */
export function checkLeftovers(router: string, left: readonly LeftKey[]): Finding {
  const problems = left.flatMap((one) => problemOf(one) ?? []);
  return {
    check: 'leftovers',
    checked: left.length,
    problems: problems.map((problem) => `${router}: ${problem}`),
  };
}

function problemOf({ key, keptForMs, bytes }: LeftKey): string | undefined {
  if (LOG.test(key)) return undefined;
  if (!OF_ROUTER.test(key) && !(FORMER_CLIENT.test(key) && keptForMs > 0)) {
    return `${key} is left${keptForMs > 0 ? ` for ${keptForMs} ms` : ''}`;
  }
  return bytes > RECORD_BYTES ? `${key} still takes ${bytes} bytes` : undefined;
}
