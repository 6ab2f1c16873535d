import { backoffMs } from '../rpc/backoff.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Gather, ItemAnswer } from './gather.ts';
import { isCertain, SHARED_GROUP, type Operation } from './operation.ts';
import type { Logger } from '../rpc/logger.ts';
import type { Sequence } from './sequence.ts';
import { pause } from '../rpc/waiting.ts';

/** How long one try lasts. */
const ATTEMPT_MS = 10_000;

export interface SettlingContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly router: string;
  readonly sequence: Sequence;
  readonly gather: Gather;
  /** The session ended: its interfaces end with it. */
  readonly isOver: () => boolean;
}

/**
 * Releases an interface that nobody here owns until a manager has confirmed that the session is not on it, or the session is
 * over. Each try waits until `ack` has passed the number of the one that was given up before: a release that
 * overtook a take would settle nothing.
 */
export async function settle(
  operation: Operation,
  unsettled: ItemAnswer,
  context: SettlingContext,
): Promise<void> {
  const { clock, logger, router, sequence, isOver } = context;
  const { ifIndex, nextHop } = operation.key;
  logger.debug({ router, ifIndex, nextHop, op: operation.change }, 'settling an unknown outcome');
  let answer = unsettled;
  for (let attempt = 1; !isOver(); attempt++) {
    if (answer.kind === 'unanswered' && answer.abandonedSeq)
      await sequence.passed(answer.abandonedSeq);
    if (isOver()) return;
    answer = await release(operation, context);
    if (isCertain('release', answer)) return;
    await pause(clock, backoffMs(attempt));
  }
}

async function release(
  { key, timeoutMs }: Operation,
  { clock, gather }: SettlingContext,
): Promise<ItemAnswer> {
  const { promise, resolve } = Promise.withResolvers<ItemAnswer>();
  const deadlineMono = clock.monoMs() + ATTEMPT_MS;
  gather.add({
    change: 'release',
    key,
    group: SHARED_GROUP,
    timeoutMs,
    deadlineMono,
    answered: resolve,
  });
  return await promise;
}
