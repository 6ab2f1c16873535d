import { setTimeout as delay } from 'node:timers/promises';

/** The limits of {@link eventually}. */
export interface EventuallyOptions {
  /** Limit over all attempts in ms, also when one hangs. */
  readonly withinMs: number;
  /** Pause between two attempts in ms. Default 20. */
  readonly everyMs?: number;
}

/**
 * Repeats `attempt` until it neither throws nor rejects, and returns its result.
 *
 * @throws Error with the number of attempts; its cause is the last failure, with the difference of values
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

/** An attempt that hangs fails with the error of the attempt before it, which is more useful than a timeout. */
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
