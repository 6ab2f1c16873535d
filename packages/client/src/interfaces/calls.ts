import { addAbortListener } from 'node:events';
import type {
  Epoch,
  Handle,
  InterfaceItem,
  InterfaceKey,
  OwnershipLostCallback,
  RefusalFields,
  SessionId,
} from '@mgm/protocol';
import { MgmError, refusalError, withOrigin, type ErrorOrigin } from '../errors.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
import { Holdings, released, takenAgain, takenAway, type HeldInterface } from '../ownership.ts';
import { backoffMs, pause, type Appointment } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { isSessionGone } from '../rpc/messages.ts';
import { keyText } from './key.ts';
import { Requests, type InterfaceOperation, type Item, type ItemResult } from './requests.ts';

/** The group of items that may share a request with any other. */
export const SHARED_GROUP = 0;

/** Limits of a call, and what the session knows of the interface. */
export interface InterfaceCallOptions extends CallOptions {
  /** A take: the epoch under which this client held the interface until the store lost data. */
  readonly had?: Epoch | undefined;
}

/** The session of the calls. */
export interface SessionOfCalls {
  readonly handle: Handle;
  readonly session: SessionId;
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

/** A take or a release of one interface, from the method call until its outcome is certain. */
interface InterfaceCall {
  readonly item: Item;
  readonly keyText: string;
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
 * Takes and releases of one session, and the interfaces that it holds.
 *
 * Calls on one interface run one after the other, in the order in which they were made: two managers could execute a take
 * and the release that follows it in either order. A call is sent together with others of its turn of the event loop and
 * is over when it was answered. If its caller gives up first (deadline or `AbortSignal`), the caller gets its error and
 * the session *settles* the call:
 *
 * - a take that was not sent is dropped: it had no effect;
 * - a take that was sent and then succeeds is released, because no caller will use it;
 * - a take that was sent and abandoned can't be executed any more once `ack` has passed its number; a release undoes it in
 *   case it was executed before;
 * - a release continues, sent or not: this side has already stopped acting on the interface.
 *
 * Settling means to release until a manager has confirmed that the session does not hold the interface. Until then no
 * other call on the interface starts, so that the release undoes nothing newer. The end of the session settles
 * everything, since its holds end with it.
 */
export class InterfaceCalls {
  readonly requests: Requests;
  readonly holdings: Holdings;
  /** Why new calls are refused although the session lives. */
  closing: MgmError | undefined;
  readonly #context: Context;
  readonly #session: SessionOfCalls;
  /** The calls on each busy interface in order; the first one is running. */
  readonly #lines = new Map<string, InterfaceCall[]>();
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

  /** Records the interfaces that the session inherited. `pages` lists them. */
  async adopt(
    pages: AsyncIterable<{ readonly items: readonly InterfaceItem[] }>,
  ): Promise<HeldInterface[]> {
    this.#isAdopting = true;
    const adopted: HeldInterface[] = [];
    for await (const { items } of pages) {
      for (const item of items) adopted.push(this.#grant(item, this.#epochIn(item)));
    }
    this.#isAdopting = false;
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
    for (const call of [...this.#lines.values()].flat()) {
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
    options: InterfaceCallOptions,
    caller: Caller,
  ): void {
    const origin = this.#originOf({ operation, key });
    try {
      const limits = checkedLimits(options, this.#context, () => origin);
      this.#checkMayBegin(options.signal, origin);
      this.#begin(operation, key, group, { ...options, ...limits }, caller);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      caller.reject(error);
    }
  }

  #checkMayBegin(signal: AbortSignal | undefined, origin: ErrorOrigin): void {
    const over = this.#session.over() ?? this.closing;
    if (over) throw cutShort(over, origin, false);
    if (signal?.aborted) throw gaveUp('aborted', origin);
    if (this.#size < CALLS_MAX) return;
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
      timeoutMs,
      deadlineMs,
      signal,
    }: InterfaceCallOptions & { timeoutMs: number; deadlineMs: number },
    caller: Caller,
  ): void {
    const deadlineMono = this.#context.clock.monoMs() + deadlineMs;
    const onResult = (result: ItemResult): void => this.#onResult(call, result);
    const call: InterfaceCall = {
      item: { operation, key, group, had, timeoutMs, deadlineMono, onResult },
      keyText: keyText(key),
      caller,
      stage: 'waiting',
      deadline: this.#context.agenda.at(deadlineMono, () => this.#giveUp(call, 'timeout')),
      abortListener: signal && addAbortListener(signal, () => this.#giveUp(call, 'aborted')),
    };
    this.#size++;
    const line = this.#lines.get(call.keyText);
    if (line) line.push(call);
    else {
      this.#lines.set(call.keyText, [call]);
      this.#start(call);
    }
  }

  #start(call: InterfaceCall): void {
    call.stage = 'started';
    if (call.item.operation === 'release') this.holdings.end(call.item.key, released);
    this.requests.add(call.item);
  }

  /** The caller gives up; the session goes on with the call where it may have had an effect. */
  #giveUp(call: InterfaceCall, why: 'timeout' | 'aborted'): void {
    const { item } = call;
    const origin = this.#originOf(item);
    const failure = this.requests.failure(item, why);
    this.#fail(call, failure ? withOrigin(failure, origin) : gaveUp(why, origin));
    if (item.operation === 'release') return;
    const wasSent = this.requests.isSent(item);
    if (call.stage === 'started') this.requests.drop(item, why);
    if (!wasSent) this.#leave(call);
  }

  #onResult(call: InterfaceCall, result: ItemResult): void {
    if (this.#isOver) return;
    const { caller, item } = call;
    if (caller && result.kind === 'done' && !this.#session.over()) {
      this.#dismiss(call);
      caller.resolve(item.operation === 'take' ? this.#grant(item.key, result.epoch) : undefined);
      return this.#leave(call);
    }
    if (result.kind === 'refused' && isSessionGone(result.refusal)) {
      return this.#handleRefused(call, result.refusal);
    }
    this.#fail(call, this.#errorFor(item, result));
    if (isCertain(item.operation, result)) return this.#leave(call);
    void this.#settle(call, result);
  }

  /** Ends the session. If that may be registered again, this call fails like all others, as worth repeating. */
  #handleRefused(call: InterfaceCall, refusal: RefusalFields): void {
    if (!this.#session.mayRecover(refusal)) {
      this.#fail(call, refusalError(refusal, this.#originOf(call.item)));
    }
    this.#session.onHandleRefused(refusal);
  }

  /**
   * Releases an interface until a manager has confirmed that the session does not hold it. Each attempt waits until `ack`
   * has passed the number of the abandoned request: a release that overtakes the take would settle nothing.
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
      result = await this.#releaseOnce(call.item);
      if (isCertain('release', result)) break;
      await pause(clock, backoffMs(attempt));
    }
    if (!this.#isOver) this.#leave(call);
  }

  async #releaseOnce({ key, timeoutMs }: Item): Promise<ItemResult> {
    const { promise, resolve } = Promise.withResolvers<ItemResult>();
    const deadlineMono = this.#context.clock.monoMs() + SETTLE_ATTEMPT_MS;
    const limits = { group: SHARED_GROUP, timeoutMs, deadlineMono };
    this.requests.add({ operation: 'release', key, ...limits, onResult: resolve });
    return await promise;
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

  #originOf({ operation, key }: Pick<Item, 'operation' | 'key'>): ErrorOrigin {
    return { operation, router: this.#context.router, interface: key };
  }

  /** The call's outcome is certain: the next call on the interface starts. */
  #leave(call: InterfaceCall): void {
    const line = this.#lines.get(call.keyText) ?? [];
    const at = line.indexOf(call);
    if (at >= 0) line.splice(at, 1);
    this.#size--;
    const [next] = line;
    if (at === 0 && next) this.#start(next);
    if (!next) {
      this.#lines.delete(call.keyText);
      if (!this.#isAdopting) this.holdings.settled(call.item.key);
    }
    if (this.#size > 0) return;
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

/** Whether this result leaves nothing to find out or to undo. A take that succeeded is certain only with a caller. */
function isCertain(operation: InterfaceOperation, result: ItemResult): boolean {
  if (operation === 'release') {
    return (
      result.kind === 'done' || (result.kind === 'refused' && NOT_HELD.has(result.refusal.reason))
    );
  }
  if (result.kind === 'unanswered') return result.error.outcome === 'not-done';
  return result.kind === 'refused' && result.refusal.reason !== 'indeterminate';
}

/** The error of a caller that gave up before anything was sent. A release is sent nevertheless. */
function gaveUp(reason: 'timeout' | 'aborted', origin: ErrorOrigin): MgmError {
  const isRelease = origin.operation === 'release';
  const what = reason === 'aborted' ? 'was aborted by its caller' : 'did not get its turn in time';
  const then = isRelease ? 'the session continues it' : 'nothing was sent';
  return new MgmError(`\`${origin.operation}\` ${what}; ${then}`, {
    ...origin,
    reason,
    outcome: isRelease ? 'unknown' : 'not-done',
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
