import type { OperationName } from '@mgm/protocol';
import type { Clock } from './clock.ts';
import type { Context } from './context.ts';
import { MgmError } from '../errors.ts';

/**
 * Waits for `work`, but no longer than until `endsMono` or the caller's signal: then it rejects with {@link MgmError}
 * `timeout` or `aborted`, outcome `not-done`, and `work` goes on unwatched. For what precedes a request.
 */
export async function giveUpAt<Result>(
  { agenda, router }: Pick<Context, 'agenda' | 'router'>,
  endsMono: number,
  signal: AbortSignal | undefined,
  operation: OperationName,
  work: () => Promise<Result>,
): Promise<Result> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: 'timeout' | 'aborted'): void => reject(gaveUp(reason, operation, router));
  const onAbort = (): void => giveUp('aborted');
  const appointment = agenda.at(endsMono, () => giveUp('timeout'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal?.aborted) onAbort();
    return await Promise.race([givenUp, work()]);
  } finally {
    agenda.remove(appointment);
    signal?.removeEventListener('abort', onAbort);
  }
}

function gaveUp(reason: 'timeout' | 'aborted', operation: OperationName, router: string): MgmError {
  const text = reason === 'timeout' ? 'did not get its turn in time' : 'was given up by its caller';
  return new MgmError(`\`${operation}\` ${text}; nothing was sent`, {
    reason,
    outcome: 'not-done',
    operation,
    router,
    retryable: reason === 'timeout',
  });
}

/** Resolves after so many milliseconds, or as soon as the signal fires. */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve, true);
  const stop = (): void => resolve();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  await promise;
  cancel();
  signal?.removeEventListener('abort', stop);
}
