import { addAbortListener } from 'node:events';
import type {
  Entry,
  Epoch,
  InterfaceItem,
  InterfaceKey,
  OwnershipLostCallback,
  RefusalFields,
} from '@mgm/protocol';
import { gaveUp, MgmError, overloaded, refusalError, withOrigin } from '../errors.ts';
import type { MembershipChange } from '../membership/changes.ts';
import { excluding, type Filter, type GroupFilterChange } from '../membership/filters.ts';
import { entryText, type EntryChange } from '../membership/refs.ts';
import { checkedLimits, LONGEST_MS, type CallLimits, type CallOptions } from '../options.ts';
import { Holdings, released, takenAgain, takenAway, type HeldInterface } from '../ownership.ts';
import type { Context } from '../rpc/context.ts';
import { isSessionGone } from '../rpc/messages.ts';
import { keyText, type Settings, type SettingsChange } from './refs.ts';
import { Lines } from './lines.ts';
import { cutShort, isCertain, isRemoval, isRemoved, Settling } from './pending-call.ts';
import type {
  Caller,
  CallOrigin,
  Done,
  InterfaceCall,
  InterfaceCallOptions,
  SessionOfCalls,
  SubmitOptions,
} from './pending-call.ts';
import { isReplacement, Requests, SHARED_GROUP } from './requests.ts';
import type { InterfaceOperation, Item, ItemResult } from './requests.ts';

/** Pending calls per session; further ones are refused as `overloaded`. */
const CALLS_MAX = 65_536;

/**
 * Limit of the calls that the library makes to keep memberships, in deadlines of the client: they wait longer than calls of a
 * user, because no user is there to repeat them. The end of the session ends them sooner.
 */
const UPKEEP_DEADLINES = 10;

/**
 * Takes and releases of one session, the memberships, filters and settings that it changes, and the interfaces that it holds.
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
 *   before it was added again stays;
 * - a filter, or settings, whose request was sent and abandoned are set once more.
 *
 * Settling means to release, to delete, or to set, until a manager has confirmed that the session does not have the interface or
 * the membership, or has what was set. Until then no other call on it starts, so that nothing newer is undone. The end of the
 * session settles everything, since its holds end with it.
 */
export class InterfaceCalls {
  readonly requests: Requests;
  readonly holdings: Holdings;
  /** Why new calls are refused although the session lives. */
  closing: MgmError | undefined;
  readonly #context: Context;
  readonly #session: SessionOfCalls;
  readonly #lines = new Lines<InterfaceCall>((call) => this.#start(call));
  readonly #settling: Settling;
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
      onEnd: (key) => {
        session.memberships.drop(key);
        session.settings.drop(key);
      },
    });
    this.#settling = new Settling({
      context,
      requests: this.requests,
      holdings: this.holdings,
      lines: this.#lines,
      isOver: () => this.#isOver,
    });
  }

  /**
   * Takes one interface. The hold is recorded in the same turn in which the reply arrived, before any later message is
   * processed. Rejects with {@link MgmError}, as all of the following.
   */
  take(key: InterfaceKey, group: number, options: InterfaceCallOptions): Promise<HeldInterface> {
    return this.#submit('take', key, group, options);
  }

  /** Releases one interface. Its hold ends with the call, before it is sent. */
  release(key: InterfaceKey, group: number, options: CallOptions): Promise<void> {
    this.holdings.end(key, released);
    return this.#submit('release', key, group, options);
  }

  /**
   * Adds or deletes a membership. It is recorded in the same turn in which the reply arrived; from the start of a deletion
   * on it is not on record any more.
   */
  change(
    operation: 'member.add' | 'member.delete',
    key: InterfaceKey,
    entry: EntryChange,
    group: number,
    options: CallOptions,
  ): Promise<MembershipChange> {
    return this.#submit(operation, key, group, { ...options, entry });
  }

  /** Sets a filter. It is recorded in the turn in which the reply arrived. */
  setFilter(
    key: InterfaceKey,
    entry: EntryChange,
    filter: Filter,
    options: CallOptions,
  ): Promise<GroupFilterChange> {
    return this.#submit('member.set', key, SHARED_GROUP, { ...options, entry, filter });
  }

  /** Changes settings of an interface. They are recorded as filters are. */
  setSettings(
    key: InterfaceKey,
    settings: Settings,
    options: CallOptions,
  ): Promise<SettingsChange> {
    return this.#submit('interface.set', key, SHARED_GROUP, { ...options, settings });
  }

  /**
   * Adds a membership on record again, with more time than other calls: {@link UPKEEP_DEADLINES}. If the outcome is unknown
   * then, it is deleted in the background.
   */
  readd(key: InterfaceKey, entry: Entry): Promise<void> {
    const again = { entry: membershipOf(entry), isReadd: true };
    return this.#submit('member.add', key, SHARED_GROUP, { ...again, ...this.#upkeepLimits });
  }

  /** Sets again the exclude list that is on record for a (\*,g), as {@link readd} adds a membership. */
  resetFilter(key: InterfaceKey, entry: Entry): Promise<void> {
    const again = { entry: membershipOf(entry), filter: excluding(), isReadd: true };
    return this.#submit('member.set', key, SHARED_GROUP, { ...again, ...this.#upkeepLimits });
  }

  /** Sets the settings on record again, with more time than other calls. */
  resetSettings(key: InterfaceKey): Promise<void> {
    const again = { settings: {}, isReadd: true };
    return this.#submit('interface.set', key, SHARED_GROUP, { ...again, ...this.#upkeepLimits });
  }

  /** Deletes a membership that is not on record. The session continues it where this rejects. */
  deleteUnwanted(key: InterfaceKey, entry: Entry): Promise<void> {
    const deletion = { entry: membershipOf(entry), ...this.#upkeepLimits };
    return this.#submit('member.delete', key, SHARED_GROUP, deletion);
  }

  /** Records the interfaces that the session inherited. `pages` lists them. The holds of a session that is over by then end. */
  async adopt(
    pages: AsyncIterable<{ readonly items: readonly InterfaceItem[] }>,
  ): Promise<HeldInterface[]> {
    this.#isAdopting = true;
    const adopted: HeldInterface[] = [];
    for await (const { items } of pages) {
      for (const item of items) {
        const { ifIndex, nextHop } = item;
        adopted.push(this.#grant({ ifIndex, nextHop }, this.#epochIn(item)));
      }
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

  get #upkeepLimits(): CallOptions {
    return { deadlineMs: this.#upkeepMs };
  }

  get #upkeepMs(): number {
    return Math.min(UPKEEP_DEADLINES * this.#context.deadlineMs, LONGEST_MS);
  }

  #submit<Result>(
    operation: InterfaceOperation,
    key: InterfaceKey,
    group: number,
    options: SubmitOptions,
  ): Promise<Result> {
    const caller = Promise.withResolvers<Result>();
    const origin = (): CallOrigin => this.#originOf({ operation, key });
    try {
      const limits = checkedLimits(options, this.#context, origin);
      this.#checkMayBegin(options, origin);
      this.#begin(operation, key, group, options, limits, caller);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      caller.reject(error);
    }
    return caller.promise;
  }

  #checkMayBegin({ signal, isReadd }: SubmitOptions, origin: () => CallOrigin): void {
    const over = this.#session.over() ?? this.closing;
    if (over) throw cutShort(over, origin(), false);
    if (signal?.aborted) throw stopped('aborted', origin());
    if (this.#size < CALLS_MAX || isReadd) return;
    throw overloaded(`${CALLS_MAX} calls of this session are pending already`, origin());
  }

  #begin(
    operation: InterfaceOperation,
    key: InterfaceKey,
    group: number,
    { signal, had, entry, filter, settings, localMembers, isReadd }: SubmitOptions,
    { timeoutMs, deadlineMs }: CallLimits,
    caller: Caller,
  ): void {
    const deadlineMono = this.#context.clock.monoMs() + deadlineMs;
    const onResult = (result: ItemResult): void => this.#onResult(call, result);
    const trace = this.#context.tracer?.active();
    const interfaceText = keyText(key);
    const call: InterfaceCall = {
      item: {
        operation,
        key,
        group,
        had,
        entry,
        filter,
        settings,
        localMembers,
        isReadd,
        timeoutMs,
        deadlineMono,
        trace,
        sentIn: undefined,
        onResult,
      },
      keyText: interfaceText,
      targetText: entry ? `${interfaceText} ${entryText(entry)}` : interfaceText,
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
    this.#beginOnRecord(item);
    if (item.isReadd && !item.wasOnRecord) {
      this.#skip(call);
      return false;
    }
    this.requests.add(item);
    return true;
  }

  #beginOnRecord(item: Item): void {
    const { memberships, settings } = this.#session;
    const { operation, key, entry, isReadd } = item;
    if (entry) item.wasOnRecord = memberships.begin(operation, key, entry);
    if (isReadd && item.filter && entry)
      item.filter = excluding(memberships.get(key, entry)?.exclude);
    if (!item.settings) return;
    const present = settings.get(key);
    item.wasOnRecord = present !== undefined;
    if (isReadd) item.settings = { ...present };
    else if (this.holdings.has(key)) settings.set(key, {});
  }

  #skip(call: InterfaceCall): void {
    const { caller } = call;
    this.#dismiss(call);
    caller?.resolve(undefined);
    this.#isOneLess();
  }

  /** The caller gives up; the session goes on with the call where it may have had an effect. */
  #giveUp(call: InterfaceCall, why: 'timeout' | 'aborted'): void {
    const { item } = call;
    const origin = this.#originOf(item);
    const failure = this.requests.failure(item, why);
    this.#fail(call, failure ? withOrigin(failure, origin) : stopped(why, origin));
    if (isRemoval(item.operation)) return;
    const wasSent = this.requests.isSent(item);
    if (call.stage === 'started') this.requests.drop(item, why);
    if (!wasSent) this.#leave(call);
  }

  #onResult(call: InterfaceCall, result: ItemResult): void {
    if (this.#isOver) return;
    const { caller, item } = call;
    const wasRemoved = result.kind === 'refused' && isRemoved(item, result.refusal);
    const outcome = wasRemoved ? this.#removedBefore() : result;
    const isFinal = caller !== undefined || isReplacement(item.operation);
    if (isFinal && outcome.kind === 'done' && !this.#session.over()) {
      this.#dismiss(call);
      const done = this.#resultOf(item, outcome);
      caller?.resolve(done);
      return this.#leave(call);
    }
    if (result.kind === 'refused' && isSessionGone(result.refusal)) {
      return this.#handleRefused(call, result.refusal);
    }
    this.#fail(call, this.#errorFor(item, result));
    if (isCertain(item, result)) return this.#leave(call);
    void this.#settle(call, result);
  }

  async #settle(call: InterfaceCall, result: ItemResult): Promise<void> {
    const settled = await this.#settling.settle(call, result);
    if (this.#isOver) return;
    if (settled.kind === 'done' && isReplacement(call.item.operation)) {
      this.#resultOf(call.item, settled);
    }
    this.#leave(call);
  }

  #removedBefore(): Done {
    const { mrev } = this.#session.memberships;
    return { kind: 'done', change: { changed: false, mrev } };
  }

  #resultOf(item: Item, { epoch, change }: Done): unknown {
    const { operation, key, localMembers } = item;
    const { memberships, settings } = this.#session;
    if (operation === 'take') {
      const held = this.#grant(key, epoch);
      if (localMembers && held.isHeld) settings.set(key, { localMembers });
      return held;
    }
    if (change && 'mrev' in change) memberships.saw(change.mrev);
    if (change && this.holdings.has(key)) this.#record(item);
    return change;
  }

  /** A change was executed on an interface that the session still holds. What was on record is so already. */
  #record({ operation, key, entry, filter, settings, isReadd }: Item): void {
    const { memberships } = this.#session;
    if (isReadd) return;
    if (settings) this.#session.settings.set(key, settings);
    else if (entry && filter) memberships.replace(key, entry, filter);
    else if (entry && operation === 'member.add' && !entry.forward) memberships.add(key, entry);
  }

  /** Ends the session. If that may be registered again, this call fails with a retryable error, like all others. */
  #handleRefused(call: InterfaceCall, refusal: RefusalFields): void {
    if (!this.#session.mayRecover(refusal)) {
      this.#fail(call, refusalError(refusal, this.#originOf(call.item)));
    }
    this.#session.onHandleRefused(refusal);
  }

  #grant(key: InterfaceKey, epoch: Epoch | undefined): HeldInterface {
    if (epoch === undefined) throw new TypeError('an interface was taken without an epoch');
    return this.holdings.grant(key, epoch, takenAgain);
  }

  /** The hold of IGMP on an owned interface has an epoch of its own. */
  #epochIn(item: InterfaceItem): Epoch {
    return item.session === this.#session.session ? item.epoch : (item.igmp?.epoch ?? item.epoch);
  }

  #errorFor(item: Item, result: ItemResult): MgmError {
    const origin = this.#originOf(item);
    if (result.kind === 'refused') return refusalError(result.refusal, origin);
    if (result.kind === 'unanswered') return withOrigin(result.error, origin);
    return cutShort(this.#session.over() ?? stopped('aborted', origin), origin, true);
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

  #originOf({ operation, key }: Pick<Item, 'operation' | 'key'>): CallOrigin {
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

function membershipOf({ group, source }: Entry): EntryChange {
  return { group, source, forward: false };
}

/** The error of a caller that gave up before anything was sent. A removal is sent nevertheless. */
function stopped(why: 'timeout' | 'aborted', origin: CallOrigin): MgmError {
  return gaveUp(why, origin, { isContinued: isRemoval(origin.operation) });
}
