import { released, type Holdings } from '../ownership.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import type { Lines } from './lines.ts';
import { isCertain } from './outcomes.ts';
import { SHARED_GROUP, type InterfaceCall } from './pending-call.ts';
import { isReplacement, type Item, type ItemResult, type Requests } from './requests.ts';

/** How long one attempt to settle an unknown outcome lasts. */
const SETTLE_ATTEMPT_MS = 10_000;

/** What the settling works with. */
interface SettlingParts {
  readonly context: Context;
  readonly requests: Requests;
  readonly holdings: Holdings;
  readonly lines: Lines<InterfaceCall>;
  /** Whether the session is over, which settles everything. */
  readonly isOver: () => boolean;
}

/**
 * Settles calls whose outcome is unknown: releases an interface, or deletes a membership, until a manager has confirmed that
 * the session does not have it. A filter, or settings, are set once more until a manager has executed or refused that.
 */
export class Settling {
  readonly #parts: SettlingParts;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with the last result when the call is settled or the session over. Each attempt waits until `ack` has passed the number of the
   * abandoned request: a release that overtakes the take would settle nothing. A membership whose next change is waiting is
   * left to that.
   */
  async settle(call: InterfaceCall, unsettled: ItemResult): Promise<ItemResult> {
    const { context, requests, holdings, isOver } = this.#parts;
    const { key, operation } = call.item;
    context.logger.debug(
      { router: context.router, ...key, op: operation },
      'settling an unknown outcome',
    );
    let result = unsettled;
    for (let attempt = 1; !isOver(); attempt++) {
      if (result.kind === 'unanswered' && result.abandonedSeq)
        await requests.sequence.passed(result.abandonedSeq);
      if (isOver() || this.#mayStay(call)) return result;
      // The session may hold the interface by an earlier take, and the release below gives that up as well.
      if (operation === 'take' || operation === 'release') holdings.end(key, released);
      const { item, outcome } = await this.#settleOnce(call.item);
      result = outcome;
      if (isCertain(item, result)) return result;
      await pause(context.clock, backoffMs(attempt));
    }
    return result;
  }

  /** Whether what a membership call may have done need not be undone: it was there before, or the next call decides. */
  #mayStay(call: InterfaceCall): boolean {
    const { operation, wasOnRecord, entry } = call.item;
    if (operation === 'member.add' && wasOnRecord) return true;
    return entry !== undefined && this.#parts.lines.isFollowed(call);
  }

  async #settleOnce(settled: Item): Promise<{ item: Item; outcome: ItemResult }> {
    const { key, entry, filter, settings, timeoutMs } = settled;
    const { context, requests } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<ItemResult>();
    const deadlineMono = context.clock.monoMs() + SETTLE_ATTEMPT_MS;
    const limits = { group: SHARED_GROUP, timeoutMs, deadlineMono };
    const removal = entry ? 'member.delete' : 'release';
    const isRepeat = isReplacement(settled.operation);
    const operation = isRepeat ? settled.operation : removal;
    const what = { operation, isRepeat, key, entry, filter, settings };
    const item: Item = { ...what, ...limits, onResult: resolve };
    requests.add(item);
    return { item, outcome: await promise };
  }
}
