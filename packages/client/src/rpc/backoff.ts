const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/**
 * How long to wait before attempt `attempt` (the first repeat is 1): 50 ms, doubling up to a second, half of it at
 * random so that workers that failed together do not come back together. A wait that the manager asked for is kept.
 */
export function backoffMs(attempt: number, askedMs = 0, longestMs: number = LONGEST_MS): number {
  const full = Math.min(FIRST_MS * 2 ** (attempt - 1), longestMs);
  return Math.max(askedMs, full * (0.5 + Math.random() / 2));
}
