import { setTimeout as delay } from 'node:timers/promises';

/** How long {@link eventually} tries. */
export interface EventuallyOptions {
  /** Limit over all tries in ms, also when a try hangs. */
  readonly withinMs: number;
  /** Pause between two tries in ms. Default 20. */
  readonly everyMs?: number;
}

/**
 * Waits until `attempt` neither throws nor rejects, and gives what it returned.
 *
 * @throws Error that says how often it was tried; its cause is the last failure, with its difference of values
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { withinMs, everyMs = 20 }: EventuallyOptions,
): Promise<T> {
  const deadlineMono = performance.now() + withinMs;
  let cause: unknown = new Error('the first try did not end');
  for (let tries = 1; ; tries++) {
    try {
      return await beforeDeadline(attempt, deadlineMono, cause);
    } catch (error) {
      cause = error;
    }
    if (performance.now() + everyMs >= deadlineMono) {
      throw new Error(`not so within ${withinMs} ms, tried ${tries} times: ${textOf(cause)}`, {
        cause,
      });
    }
    await delay(everyMs);
  }
}

/** A try that hangs ends with `lastFailure`, since that says more than "timed out". */
async function beforeDeadline<T>(
  attempt: () => T | Promise<T>,
  deadlineMono: number,
  lastFailure: unknown,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(lastFailure),
    Math.max(0, deadlineMono - performance.now()),
  );
  try {
    return await Promise.race([attempt(), limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function textOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
