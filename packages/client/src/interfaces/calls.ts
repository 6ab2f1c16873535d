import { addAbortListener } from 'node:events';
import type {
  Entry,
  Epoch,
  Handle,
  InterfaceItem,
  InterfaceKey,
  OwnershipLostCallback,
  RefusalFields,
  SessionId,
} from '@mgm/protocol';
import { MgmError, refusalError, withOrigin, type ErrorOrigin } from '../errors.ts';
import { checkedLimits, LONGEST_MS, type CallOptions } from '../options.ts';
import { Holdings, released, takenAgain, takenAway, type HeldInterface } from '../ownership.ts';
import { backoffMs, pause, type Appointment } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { isSessionGone } from '../rpc/messages.ts';
import type { MembershipChange } from '../membership/changes.ts';
import type { MembershipRecord } from '../membership/record.ts';
import { entryText, type EntryChange } from '../membership/refs.ts';
import { keyText } from './key.ts';
import { Lines } from './lines.ts';
import { Requests, type InterfaceOperation, type Item, type ItemResult } from './requests.ts';

/** The group of items that may share a request with any other. */
export const SHARED_GROUP = 0;

/** Limits of a call, and what the session knows of the interface. */
export interface InterfaceCallOptions extends CallOptions {
  /** A take: the epoch under which this client held the interface until the store lost data. */
  readonly had?: Epoch | undefined;
}

interface SubmitOptions extends InterfaceCallOptions {
  readonly entry?: EntryChange;
  readonly isReadd?: boolean;
}

type Origin = ErrorOrigin & { readonly operation: InterfaceOperation };

/** The session of the calls. */
export interface SessionOfCalls {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly memberships: MembershipRecord;
  /** Why the session is over, by the clock now; `undefined` while it lives. */
  readonly over: () => MgmError | undefined;
  /** Whether the session may be registered again after such a refusal of its handle. */
  readonly mayRecover: (refusal: RefusalFields) => boolean;
  /** A manager refused the handle: ends the calls. */
  readonly onHandleRefused: (refusal: RefusalFields) => void;
}

/** How a call settles. */
interface Caller {
  resolve(granted: unknown): void;
  reject(error: MgmError): void;
}

/** A call on one interface or membership, from the method call until its outcome is certain. */
interface InterfaceCall {
  readonly item: Item;
  readonly keyText: string;
  readonly entryText: string;
  readonly deadline: Appointment;
  readonly abortListener: Disposable | undefined;
  /** `undefined` once the caller has its result. */
  caller: Caller | undefined;
  /** `waiting` for its turn on the interface, or `started`: queued or sent. */
  stage: 'waiting' | 'started';
}

/** Pending calls per session; further ones are refused as `overloaded`. */
const CALLS_MAX = 65_536;

/** How long one attempt to settle an unknown outcome lasts. */
const SETTLE_ATTEMPT_MS = 10_000;

/**
 * Takes and releases of one session, the memberships that it adds and deletes, and the interfaces that it holds.
 *
 * {@link Lines} keeps the order of calls on one interface. A call is sent together with others of its turn of the event loop and
 * is over when it was answered. If its caller gives up first (deadline or `AbortSignal`), the caller gets its error and
 * the session *settles* the call:
 *
 * - a take that was not sent is dropped: it had no effect;
 * - a take that was sent and then succeeds is released, because no caller will use it;
 * - a take that was sent and abandoned can't be executed any more once `ack` has passed its number; a release undoes it in
 *   case it was executed before;
 * - a release continues, sent or not: this side has already stopped acting on the interface;
 * - a membership that is added is treated like a take, and its deletion like a release. A membership that was on record
 *   before it was added again stays.
 *
 * Settling means to release, or to delete, until a manager has confirmed that the session does not have the interface or
 * the membership. Until then no other call on it starts, so that nothing newer is undone. The end of the session settles
 * everything, since its holds end with it.
 */
export class InterfaceCalls {
  readonly requests: Requests;
  readonly holdings: Holdings;
  /** Why new calls are refused although the session lives. */
  closing: MgmError | undefined;
  readonly #context: Context;
  readonly #session: SessionOfCalls;
  readonly #lines = new Lines<InterfaceCall>((call) => this.#start(call));
  #idle: PromiseWithResolvers<void> | undefined;
  #size = 0;
  #isOver = false;
  #isAdopting = false;

  constructor(context: Context, session: SessionOfCalls) {
    this.#context = context;
    this.#session = session;
    this.requests = new Requests(context, session.handle, session.over);
    this.holdings = new Holdings({
      check: () => void session.over(),
      release: (key, options) => this.release(key, SHARED_GROUP, options),
      onEnd: (key) => void session.memberships.drop(key),
    });
  }

  /**
   * Takes one interface. The hold is recorded in the same turn in which the reply arrived, before any later message is
   * processed. Rejects with {@link MgmError}.
   */
  take(key: InterfaceKey, group: number, options: InterfaceCallOptions): Promise<HeldInterface> {
    const caller = Promise.withResolvers<HeldInterface>();
    this.#submit('take', key, group, options, caller);
    return caller.promise;
  }

  /** Releases one interface. Its hold ends with the call, before it is sent. Rejects with {@link MgmError}. */
  release(key: InterfaceKey, group: number, options: CallOptions): Promise<void> {
    this.holdings.end(key, released);
    const caller = Promise.withResolvers<void>();
    this.#submit('release', key, group, options, caller);
    return caller.promise;
  }

  /**
   * Adds or deletes a membership. It is recorded in the same turn in which the reply arrived; from the start of a deletion
   * on it is not on record any more. Rejects with {@link MgmError}.
   */
  change(
    operation: 'member.add' | 'member.delete',
    key: InterfaceKey,
    entry: EntryChange,
    group: number,
    options: CallOptions,
  ): Promise<MembershipChange> {
    const caller = Promise.withResolvers<MembershipChange>();
    this.#submit(operation, key, group, { ...options, entry }, caller);
    return caller.promise;
  }

  /** Adds a membership on record again, however long no manager answers. Rejects with {@link MgmError}. */
  async readd(key: InterfaceKey, { group, source }: Entry): Promise<void> {
    const caller = Promise.withResolvers<unknown>();
    const entry = { group, source, forward: false };
    const options = { entry, isReadd: true, deadlineMs: LONGEST_MS };
    this.#submit('member.add', key, SHARED_GROUP, options, caller);
    await caller.promise;
  }

  /** Deletes a membership that is not on record, however long no manager answers. */
  async deleteUnwanted(key: InterfaceKey, { group, source }: Entry): Promise<void> {
    const entry = { group, source, forward: false };
    const options = { deadlineMs: LONGEST_MS };
    await this.change('member.delete', key, entry, SHARED_GROUP, options);
  }

  /** Records the interfaces that the session inherited. `pages` lists them. The holds of a session that is over by then end. */
  async adopt(
    pages: AsyncIterable<{ readonly items: readonly InterfaceItem[] }>,
  ): Promise<HeldInterface[]> {
    this.#isAdopting = true;
    const adopted: HeldInterface[] = [];
    for await (const { items } of pages) {
      for (const item of items) adopted.push(this.#grant(item, this.#epochIn(item)));
    }
    this.#isAdopting = false;
    const over = this.#session.over();
    if (over) this.holdings.endAll(over);
    for (const { key } of adopted) this.holdings.settled(key);
    return adopted;
  }

  /** A manager took this interface away. Returns the hold that ended by it. */
  ownershipLost(callback: OwnershipLostCallback): HeldInterface | undefined {
    const mayStillBeGranted = this.#isAdopting || this.#lines.has(keyText(callback));
    return this.holdings.lose(callback, callback.epoch, takenAway(callback), mayStillBeGranted);
  }

  /** Resolves when no call is pending, settling included. */
  async idle(): Promise<void> {
    if (this.#size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /**
   * The session is over: nothing more is sent, every hold ends with `reason`, every pending call fails with `callError`.
   * Returns the ended holds.
   */
  end(reason: MgmError, callError: MgmError = reason): HeldInterface[] {
    const held = this.holdings.endAll(reason);
    this.#isOver = true;
    for (const call of [...this.#lines.calls()]) {
      const wasSent = this.requests.isSent(call.item);
      this.#fail(call, cutShort(callError, this.#originOf(call.item), wasSent));
    }
    this.requests.end(callError);
    this.#idle?.resolve();
    return held;
  }

  #submit(
    operation: InterfaceOperation,
    key: InterfaceKey,
    group: number,
    options: SubmitOptions,
    caller: Caller,
  ): void {
    const origin = this.#originOf({ operation, key });
    try {
      const limits = checkedLimits(options, this.#context, () => origin);
      this.#checkMayBegin(options, origin);
      this.#begin(operation, key, group, { ...options, ...limits }, caller);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      caller.reject(error);
    }
  }

  #checkMayBegin({ signal, isReadd }: SubmitOptions, origin: Origin): void {
    const over = this.#session.over() ?? this.closing;
    if (over) throw cutShort(over, origin, false);
    if (signal?.aborted) throw gaveUp('aborted', origin);
    if (this.#size < CALLS_MAX || isReadd) return;
    throw new MgmError(`${CALLS_MAX} calls of this session are pending already`, {
      ...origin,
      reason: 'overloaded',
      outcome: 'not-done',
      retryable: true,
    });
  }

  #begin(
    operation: InterfaceOperation,
    key: InterfaceKey,
    group: number,
    {
      had,
      entry,
      isReadd,
      timeoutMs,
      deadlineMs,
      signal,
    }: SubmitOptions & { timeoutMs: number; deadlineMs: number },
    caller: Caller,
  ): void {
    const deadlineMono = this.#context.clock.monoMs() + deadlineMs;
    const onResult = (result: ItemResult): void => this.#onResult(call, result);
    const call: InterfaceCall = {
      item: { operation, key, group, had, entry, isReadd, timeoutMs, deadlineMono, onResult },
      keyText: keyText(key),
      entryText: entry ? entryText(entry) : '',
      caller,
      stage: 'waiting',
      deadline: this.#context.agenda.at(deadlineMono, () => this.#giveUp(call, 'timeout')),
      abortListener: signal && addAbortListener(signal, () => this.#giveUp(call, 'aborted')),
    };
    this.#size++;
    this.#lines.add(call);
  }

  /** Returns whether the call was started; otherwise it is over. */
  #start(call: InterfaceCall): boolean {
    const { item } = call;
    call.stage = 'started';
    if (item.operation === 'release') this.holdings.end(item.key, released);
    if (item.entry) item.wasOnRecord = this.#onRecord(item.operation, item.key, item.entry);
    if (item.isReadd && !item.wasOnRecord) {
      this.#skip(call);
      return false;
    }
    this.requests.add(item);
    return true;
  }

  #skip(call: InterfaceCall): void {
    const { caller } = call;
    this.#dismiss(call);
    caller?.resolve(undefined);
    this.#isOneLess();
  }

  /** Whether the membership is on record; it no longer is if it is to be deleted. */
  #onRecord(operation: InterfaceOperation, key: InterfaceKey, entry: EntryChange): boolean {
    const { memberships } = this.#session;
    if (entry.forward) return false;
    if (operation === 'member.delete') return memberships.delete(key, entry);
    return memberships.has(key, entry);
  }

  /** The caller gives up; the session goes on with the call where it may have had an effect. */
  #giveUp(call: InterfaceCall, why: 'timeout' | 'aborted'): void {
    const { item } = call;
    const origin = this.#originOf(item);
    const failure = this.requests.failure(item, why);
    this.#fail(call, failure ? withOrigin(failure, origin) : gaveUp(why, origin));
    if (isRemoval(item.operation)) return;
    const wasSent = this.requests.isSent(item);
    if (call.stage === 'started') this.requests.drop(item, why);
    if (!wasSent) this.#leave(call);
  }

  #onResult(call: InterfaceCall, result: ItemResult): void {
    if (this.#isOver) return;
    const { caller, item } = call;
    const outcome = isRemoved(item, result) ? this.#removedBefore() : result;
    if (caller && outcome.kind === 'done' && !this.#session.over()) {
      this.#dismiss(call);
      caller.resolve(this.#resultOf(item, outcome));
      return this.#leave(call);
    }
    if (result.kind === 'refused' && isSessionGone(result.refusal)) {
      return this.#handleRefused(call, result.refusal);
    }
    this.#fail(call, this.#errorFor(item, result));
    if (isCertain(item, result)) return this.#leave(call);
    void this.#settle(call, result);
  }

  #removedBefore(): Done {
    const { mrev } = this.#session.memberships;
    return { kind: 'done', change: { changed: false, mrev } };
  }

  #resultOf({ operation, key, entry }: Item, { epoch, change }: Done): unknown {
    if (operation === 'take') return this.#grant(key, epoch);
    if (!entry || !change) return undefined;
    this.#session.memberships.saw(change.mrev);
    if (operation === 'member.add' && !entry.forward && this.holdings.has(key)) {
      this.#session.memberships.add(key, entry);
    }
    return change;
  }

  /** Ends the session. If that may be registered again, this call fails like all others, as worth repeating. */
  #handleRefused(call: InterfaceCall, refusal: RefusalFields): void {
    if (!this.#session.mayRecover(refusal)) {
      this.#fail(call, refusalError(refusal, this.#originOf(call.item)));
    }
    this.#session.onHandleRefused(refusal);
  }

  /**
   * Releases an interface, or deletes a membership, until a manager has confirmed that the session does not have it. Each
   * attempt waits until `ack` has passed the number of the abandoned request: a release that overtakes the take would settle
   * nothing. A membership whose next change is waiting is left to that.
   */
  async #settle(call: InterfaceCall, unsettled: ItemResult): Promise<void> {
    const { clock, logger, router } = this.#context;
    const { key, operation } = call.item;
    logger.debug({ router, ...key, op: operation }, 'settling an unknown outcome');
    let result = unsettled;
    for (let attempt = 1; !this.#isOver; attempt++) {
      if (result.kind === 'unanswered' && result.abandonedSeq)
        await this.requests.sequence.passed(result.abandonedSeq);
      if (this.#isOver) return;
      if (this.#mayStay(call)) break;
      // The session may hold the interface by an earlier take, and the release below gives that up as well.
      if (!call.item.entry) this.holdings.end(key, released);
      const { item, outcome } = await this.#undoOnce(call.item);
      result = outcome;
      if (isCertain(item, result)) break;
      await pause(clock, backoffMs(attempt));
    }
    if (!this.#isOver) this.#leave(call);
  }

  /** Whether what a membership call may have done need not be undone: it was there before, or the next call decides. */
  #mayStay(call: InterfaceCall): boolean {
    const { operation, wasOnRecord, entry } = call.item;
    if (operation === 'member.add' && wasOnRecord) return true;
    return entry !== undefined && this.#lines.isFollowed(call);
  }

  async #undoOnce({ key, entry, timeoutMs }: Item): Promise<{ item: Item; outcome: ItemResult }> {
    const { promise, resolve } = Promise.withResolvers<ItemResult>();
    const deadlineMono = this.#context.clock.monoMs() + SETTLE_ATTEMPT_MS;
    const limits = { group: SHARED_GROUP, timeoutMs, deadlineMono };
    const operation = entry ? 'member.delete' : 'release';
    const item: Item = { operation, key, entry, ...limits, onResult: resolve };
    this.requests.add(item);
    return { item, outcome: await promise };
  }

  #grant({ ifIndex, nextHop }: InterfaceKey, epoch: Epoch | undefined): HeldInterface {
    if (epoch === undefined) throw new TypeError('an interface was taken without an epoch');
    return this.holdings.grant({ ifIndex, nextHop }, epoch, takenAgain);
  }

  /** The hold of IGMP on an owned interface has an epoch of its own. */
  #epochIn(item: InterfaceItem): Epoch {
    return item.session === this.#session.session ? item.epoch : (item.igmp?.epoch ?? item.epoch);
  }

  #errorFor(item: Item, result: ItemResult): MgmError {
    const origin = this.#originOf(item);
    if (result.kind === 'refused') return refusalError(result.refusal, origin);
    if (result.kind === 'unanswered') return withOrigin(result.error, origin);
    return cutShort(this.#session.over() ?? gaveUp('aborted', origin), origin, true);
  }

  #fail(call: InterfaceCall, error: MgmError): void {
    const { caller } = call;
    this.#dismiss(call);
    caller?.reject(error);
  }

  #dismiss(call: InterfaceCall): void {
    call.caller = undefined;
    this.#context.agenda.remove(call.deadline);
    call.abortListener?.[Symbol.dispose]();
  }

  #originOf({ operation, key }: Pick<Item, 'operation' | 'key'>): Origin {
    return { operation, router: this.#context.router, interface: key };
  }

  /** The call's outcome is certain: the next call on the interface starts. */
  #leave(call: InterfaceCall): void {
    const isFree = this.#lines.leave(call);
    if (isFree && !this.#isAdopting) this.holdings.settled(call.item.key);
    this.#isOneLess();
  }

  #isOneLess(): void {
    if (--this.#size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}

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
function isRemoval(operation: InterfaceOperation): boolean {
  return operation === 'release' || operation === 'member.delete';
}

/** Whether this result leaves nothing to find out or to undo. A take or an add that succeeded is certain only with a caller. */
function isCertain({ operation, wasOnRecord }: Item, result: ItemResult): boolean {
  if (result.kind === 'done') return isRemoval(operation) || wasOnRecord === true;
  if (result.kind === 'unanswered') {
    if (result.error.reason === 'not-supported') return true;
    return !isRemoval(operation) && result.error.outcome === 'not-done';
  }
  const { reason, retryable } = result.refusal;
  if (operation === 'release') return NOT_HELD.has(reason);
  if (operation === 'member.delete') return !retryable && !NOT_FINAL.has(reason);
  return reason !== 'indeterminate';
}

type Done = ItemResult & { readonly kind: 'done' };

/** A deletion that was executed before, or whose membership a window or the store has taken away. */
function isRemoved({ operation, wasOnRecord }: Item, result: ItemResult): boolean {
  if (operation !== 'member.delete' || !wasOnRecord || result.kind !== 'refused') return false;
  return result.refusal.reason === 'no-membership';
}

/** The error of a caller that gave up before anything was sent. A removal is sent nevertheless. */
function gaveUp(reason: 'timeout' | 'aborted', origin: Origin): MgmError {
  const isContinued = isRemoval(origin.operation);
  const what = reason === 'aborted' ? 'was aborted by its caller' : 'did not get its turn in time';
  const then = isContinued ? 'the session continues it' : 'nothing was sent';
  return new MgmError(`\`${origin.operation}\` ${what}; ${then}`, {
    ...origin,
    reason,
    outcome: isContinued ? 'unknown' : 'not-done',
    retryable: reason === 'timeout',
  });
}

/** The error of a call whose session ended first. */
function cutShort(reason: MgmError, origin: ErrorOrigin, wasSent: boolean): MgmError {
  return new MgmError(reason.message, {
    ...origin,
    reason: reason.reason,
    outcome: wasSent ? 'unknown' : 'not-done',
    retryable: reason.retryable,
    cause: reason.cause,
  });
}
