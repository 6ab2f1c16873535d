import type { Finding } from './evidence.ts';

/** A key of a router in the store. */
export interface LeftKey {
  readonly key: string;
  /** Its remaining time; -1: until it is deleted. */
  readonly keptForMs: number;
  /** Its memory in Redis. */
  readonly bytes: number;
}

/** The keys that may remain without sessions: the logs, the single keys of a router and, for some time, ended clients. */
const LOG = /:(?:events|operator-log|mlog|flog)$/;
/** An entry without owner lives until its time-out. */
const FORWARDING = /:(?:mfe|mfes|mfe-index|mfe-expiry)$/;
/** What agents reported about entries, which is deleted with these. */
const REPORTS = /:mfe-(?:failed|stats)$/;
const OPERATOR_LOG = /:operator-log$/;
const OF_ROUTER = /:meta$/;
const FORMER_CLIENT = /:client:\d+$/;
/** The largest size of a key with a single record. */
const RECORD_BYTES = 1_024;

/** Ended sessions leave nothing but the log and, for some time, one record per client. */
export function checkLeftovers(router: string, left: readonly LeftKey[]): Finding {
  const hasEntries = left.some(({ key }) => key.endsWith(':mfe'));
  const problems = left
    .filter(({ key }) => !(hasEntries && REPORTS.test(key)))
    .flatMap((one) => problemOf(one) ?? []);
  return {
    check: 'leftovers',
    checked: left.length,
    problems: problems.map((problem) => `${router}: ${problem}`),
  };
}

function problemOf({ key, keptForMs, bytes }: LeftKey): string | undefined {
  if (FORWARDING.test(key)) return undefined;
  if (LOG.test(key) || (OPERATOR_LOG.test(key) && keptForMs > 0)) return undefined;
  if (!OF_ROUTER.test(key) && !(FORMER_CLIENT.test(key) && keptForMs > 0)) {
    return `${key} is left${keptForMs > 0 ? ` for ${keptForMs} ms` : ''}`;
  }
  return bytes > RECORD_BYTES ? `${key} still takes ${bytes} bytes` : undefined;
}
