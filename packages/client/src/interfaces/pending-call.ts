import type { Epoch, Handle, LocalMembers, RefusalFields, SessionId } from '@mgm/protocol';
import { MgmError, type ErrorOrigin } from '../errors.ts';
import type { Lines } from './lines.ts';
import { isReplacement, SHARED_GROUP } from './requests.ts';
import type { InterfaceOperation, Item, ItemResult, Requests } from './requests.ts';
import type { Settings, SettingsRecord } from './refs.ts';
import type { Filter } from '../membership/filters.ts';
import type { MembershipRecord } from '../membership/record.ts';
import type { EntryChange } from '../membership/refs.ts';
import type { CallOptions } from '../options.ts';
import { released, type Holdings } from '../ownership.ts';
import { backoffMs, pause, type Appointment } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';

/** Limits of a call, and what the session knows of the interface. */
export interface InterfaceCallOptions extends CallOptions {
  /** A take: the epoch under which this client held the interface until the store lost data. */
  readonly had?: Epoch | undefined;
  readonly localMembers?: LocalMembers | undefined;
}

export interface SubmitOptions extends InterfaceCallOptions {
  readonly entry?: EntryChange;
  readonly filter?: Filter;
  readonly settings?: Settings;
  readonly isReadd?: boolean;
}

/** The session of the calls. */
export interface SessionOfCalls {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly memberships: MembershipRecord;
  readonly settings: SettingsRecord;
  /** Why the session is over, by the clock now; `undefined` while it lives. */
  readonly over: () => MgmError | undefined;
  /** Whether the session may be registered again after such a refusal of its handle. */
  readonly mayRecover: (refusal: RefusalFields) => boolean;
  /** A manager refused the handle: ends the calls. */
  readonly onHandleRefused: (refusal: RefusalFields) => void;
}

/** How a call settles. */
export interface Caller {
  resolve(granted: unknown): void;
  reject(error: MgmError): void;
}

/** A call on one interface or membership, from the method call until its outcome is certain. */
export interface InterfaceCall {
  readonly item: Item;
  readonly keyText: string;
  readonly targetText: string;
  readonly deadline: Appointment;
  readonly abortListener: Disposable | undefined;
  /** `undefined` once the caller has its result. */
  caller: Caller | undefined;
  /** `waiting` for its turn on the interface, or `started`: queued or sent. */
  stage: 'waiting' | 'started';
}

/** What an error says of the call that failed. */
export type CallOrigin = ErrorOrigin & { readonly operation: InterfaceOperation };

/** Refusals of a release that say that the session does not hold the interface, or is over. */
const NOT_HELD: ReadonlySet<string> = new Set([
  'not-owner',
  'not-found',
  'bad-handle',
  'session-expired',
]);

/** Refusals that leave open whether a deletion will be executed. */
const NOT_FINAL: ReadonlySet<string> = new Set(['indeterminate', 'stale-request', 'store-full']);

/** Operations whose effect the caller has already relied upon: they continue until a manager has confirmed them. */
export function isRemoval(operation: InterfaceOperation): boolean {
  return operation === 'release' || operation === 'member.delete';
}

/** Whether this result leaves nothing to find out or to undo. A take or an add that succeeded is certain only with a caller. */
export function isCertain(item: Item, result: ItemResult): boolean {
  const { operation, wasOnRecord, isRepeat = false } = item;
  const mustContinue = isRemoval(operation) || isRepeat;
  if (result.kind === 'done')
    return mustContinue || isReplacement(operation) || wasOnRecord === true;
  if (result.kind === 'unanswered') {
    if (result.error.reason === 'not-supported') return true;
    return !mustContinue && result.error.outcome === 'not-done';
  }
  const { reason, retryable } = result.refusal;
  if (operation === 'release') return NOT_HELD.has(reason);
  if (mustContinue) return !retryable && !NOT_FINAL.has(reason);
  return reason !== 'indeterminate';
}

export type Done = ItemResult & { readonly kind: 'done' };

/** Whether this refusal of a deletion confirms it: it was executed before, or a window or the store has taken the membership away. */
export function isRemoved({ operation, wasOnRecord }: Item, { reason }: RefusalFields): boolean {
  return operation === 'member.delete' && wasOnRecord === true && reason === 'no-membership';
}

/** The error of a call whose session ended first. */
export function cutShort(reason: MgmError, origin: ErrorOrigin, wasSent: boolean): MgmError {
  return new MgmError(reason.message, {
    ...origin,
    reason: reason.reason,
    outcome: wasSent ? 'unknown' : 'not-done',
    retryable: reason.retryable,
    cause: reason.cause,
  });
}

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
   * Resolves with the last result when the call is settled or the session over. Each attempt waits until `ack` has passed the
   * number of the abandoned request: a release that overtakes the take would settle nothing. A membership whose next change is
   * waiting is left to that.
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
    const item: Item = { ...what, ...limits, sentIn: undefined, onResult: resolve };
    requests.add(item);
    return { item, outcome: await promise };
  }
}
