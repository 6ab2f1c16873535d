import { isIgmp } from '@mgm/protocol';
import type { FlowResult, InterfaceKey, SessionId } from '@mgm/protocol';
import { badRequest, MgmError, type ErrorOrigin } from './errors.ts';
import {
  FlowCalls,
  type FailedMfe,
  type FlowRef,
  type MfeCounters,
  type WrongIfRef,
} from './forwarding/flows.ts';
import type { MfeSettings } from './forwarding/mfes.ts';
import { SHARED_GROUP } from './interfaces/requests.ts';
import {
  interfaceKey,
  interfaceKeys,
  type InterfaceRef,
  type InterfaceSettingsRef,
  type SettingsChange,
  type TakeOptions,
} from './interfaces/refs.ts';
import { MembershipCalls, type MembershipResult } from './membership/calls.ts';
import type { MembershipChange } from './membership/changes.ts';
import type { GroupFilterChange, GroupFilterRef } from './membership/filters.ts';
import type { GroupOptions, ListedEntry, ListedGroup } from './membership/listings.ts';
import type { Membership, MembershipRef } from './membership/refs.ts';
import { omitUndefined, type CallOptions } from './options.ts';
import { DISPOSE_WITHIN_MS, type Ownership } from './ownership.ts';
import type { Context } from './rpc/context.ts';
import type { Emitter, SessionEvents } from './session/events.ts';
import type { SessionLife } from './session/life.ts';
import { RouteCalls } from './view/calls.ts';
import type { RouteResult } from './view/items.ts';
import type { PrefixRef, Route, RouteRef } from './view/refs.ts';

/** The result for one interface of `takeInterfaces`. */
export type TakeResult = InterfaceKey &
  (
    | { readonly kind: 'taken'; readonly ownership: Ownership }
    | { readonly kind: 'failed'; readonly error: MgmError }
  );

/** The result for one interface of `releaseInterfaces`. */
export type ReleaseResult = InterfaceKey &
  ({ readonly kind: 'released' } | { readonly kind: 'failed'; readonly error: MgmError });

/** `jeopardy`: two thirds of the lease passed unanswered. `recovering`: lost, and being registered again. */
export type SessionState = 'live' | 'jeopardy' | 'recovering' | 'over';

/**
 * A registered protocol: MGM's handle. One timer keeps it alive, whatever it holds.
 *
 * Every method that sends a request rejects with {@link MgmError}. `outcome` says whether the effect may have happened;
 * `session-lost` means that the session is over and nothing was sent, or that a reply arrived after its deadline.
 *
 * `await using session = await mgm.registerProtocol({ … })` deregisters it at the end of the block, by `force`.
 */
export class Session implements AsyncDisposable {
  readonly protocolId: number;
  readonly componentId: number;
  readonly #context: Context;
  readonly #life: SessionLife;
  readonly #memberships: MembershipCalls;
  readonly #routes: RouteCalls;
  readonly #flows: FlowCalls;
  readonly #events: Emitter<SessionEvents>;
  readonly #gathers: boolean;
  readonly #taking: ErrorOrigin;
  readonly #releasing: ErrorOrigin;
  #lastGroup = SHARED_GROUP;

  /** @internal */
  constructor(context: Context, life: SessionLife, parts: SessionParts) {
    this.#context = context;
    this.#life = life;
    this.#memberships = new MembershipCalls(context, life);
    this.#routes = new RouteCalls(context, life, parts.protocolId);
    this.#flows = new FlowCalls(context, life);
    this.protocolId = parts.protocolId;
    this.componentId = parts.componentId;
    this.#events = parts.events;
    this.#gathers = parts.gathers;
    const { router } = context;
    this.#taking = { operation: 'take', router };
    this.#releasing = { operation: 'release', router };
  }

  /** Its public number, by which other clients and operators know it. Another one after `recovered`. */
  get id(): SessionId {
    return this.#life.registration.session;
  }

  /** How long it lives without a keepalive, in ms, as the manager granted it. */
  get ttlMs(): number {
    return this.#life.registration.ttlMs;
  }

  /** How long its interfaces are kept after that for the pair to register again, in ms. */
  get graceMs(): number {
    return this.#life.registration.graceMs;
  }

  /** Whether it began by inheriting the interfaces of a former session of the pair; see `ownerships`. */
  get resumed(): boolean {
    return this.#life.registration.resumed;
  }

  /** By the clock now. */
  get state(): SessionState {
    return this.#life.state;
  }

  /**
   * Aborts when the session is over for good; `signal.reason` is an {@link MgmError} `session-lost`. Reading `aborted`
   * compares with the clock first. While the session is `recovering` it has not aborted, but every `Ownership.signal` has.
   */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** How long the session may act without any further reply of a manager, in ms. 0 once it is lost. */
  get deadlineInMs(): number {
    if (!this.#isLive) return 0;
    return Math.max(0, this.#life.registration.deadlineMono - this.#context.clock.monoMs());
  }

  /** What it holds, as far as replies and callbacks have told. After `resumed` this includes what was inherited. */
  get ownerships(): readonly Ownership[] {
    return this.#isLive ? this.#life.registration.holdings : [];
  }

  /** Callbacks of types that this version does not know, sent by newer managers: they are skipped and acknowledged. */
  get unknownCallbacks(): number {
    return this.#life.unknownCallbacks;
  }

  /** Calls `listener` for each event of this name. Returns a function that removes it. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Takes an interface (MgmTakeInterfaceOwnership; nf-mgm-mgmtakeinterfaceownership): a routing protocol becomes its only
   * owner, IGMP is enabled on it in addition to an owner. Calls on one interface are executed in the order in which they
   * were made.
   *
   * Rejects with {@link MgmError}: `already-owned` (`holder` names the owner), `already-taken` (by this very session),
   * `unavailable`, and the others of wire contract section 2. If `outcome` is `unknown` (a lost reply, or a caller that
   * gave up after the request was sent), the session makes sure in the background that the take can't be executed any
   * more, and releases what it may have taken, before the next call on this interface.
   */
  takeInterfaceOwnership(ref: InterfaceRef, options: TakeOptions = {}): Promise<Ownership> {
    return begun(() => {
      const key = interfaceKey(ref, this.#taking);
      return this.#life.current().interfaces.take(key, this.#group(), this.#toTake(options));
    });
  }

  /**
   * Releases an interface (MgmReleaseInterfaceOwnership; nf-mgm-mgmreleaseinterfaceownership). Its `Ownership` is over
   * from the call on.
   *
   * Rejects with {@link MgmError}: `not-owner` or `not-found` if the session did not hold it. If the outcome is `unknown`,
   * the session continues the release in the background until a manager has confirmed it.
   */
  releaseInterfaceOwnership(ref: InterfaceRef, options: CallOptions = {}): Promise<void> {
    return begun(() => {
      const key = interfaceKey(ref, this.#releasing);
      return this.#life.current().interfaces.release(key, this.#group(), options);
    });
  }

  /**
   * Takes many interfaces, in requests of up to 256. The results are in the order of `refs`; each interface is decided
   * separately, and its refusal is a value. Rejects with {@link MgmError} only if nothing was sent: `bad-request` (an
   * invalid or duplicate interface), `session-lost`.
   */
  async takeInterfaces(
    refs: readonly InterfaceRef[],
    options: TakeOptions = {},
  ): Promise<TakeResult[]> {
    const keys = interfaceKeys(refs, this.#taking);
    const { interfaces } = this.#life.current();
    const group = this.#group();
    const limits = this.#toTake(options);
    const takes = keys.map((key) => interfaces.take(key, group, limits));
    const results = await Promise.allSettled(takes);
    return results.map((result, at) => {
      const key = keyAt(keys, at);
      return result.status === 'fulfilled'
        ? { ...key, kind: 'taken', ownership: result.value }
        : { ...key, kind: 'failed', error: failure(result.reason) };
    });
  }

  /** Releases many interfaces, as {@link takeInterfaces} takes them. */
  async releaseInterfaces(
    refs: readonly InterfaceRef[],
    options: CallOptions = {},
  ): Promise<ReleaseResult[]> {
    const keys = interfaceKeys(refs, this.#releasing);
    const { interfaces } = this.#life.current();
    const group = this.#group();
    const releases = keys.map((key) => interfaces.release(key, group, options));
    const results = await Promise.allSettled(releases);
    return results.map((result, at) => {
      const key = keyAt(keys, at);
      return result.status === 'fulfilled'
        ? { ...key, kind: 'released' }
        : { ...key, kind: 'failed', error: failure(result.reason) };
    });
  }

  /**
   * Adds a membership on an interface that the session holds (MgmAddGroupMembershipEntry;
   * nf-mgm-mgmaddgroupmembershipentry). Calls made in one turn of the event loop share requests of up to 256 elements.
   * Calls on one interface keep their order, after its take; consecutive adds may be in flight together.
   *
   * Resolves with `changed` false if the session had it already. Rejects with {@link MgmError}: `bad-request` (`field`),
   * `ssm-needs-source`, `not-owner` or `not-found` (the session is not on the interface), `limit`, `store-full`, `no-mfe`,
   * `not-supported`. If `outcome` is `unknown`, the session makes sure in the background that the add can't be executed any
   * more, and deletes what it may have added. Wire contract section 12.
   */
  addGroupMembershipEntry(
    ref: MembershipRef,
    options: CallOptions = {},
  ): Promise<MembershipChange> {
    return begun(() => this.#memberships.change('member.add', ref, this.#group(), options));
  }

  /**
   * Deletes a membership of the session (MgmDeleteGroupMembershipEntry; nf-mgm-mgmdeletegroupmembershipentry).
   *
   * Resolves with `changed` false if it had ended before without the session's doing. Rejects with {@link MgmError}:
   * `no-membership` if the session did not have it, and otherwise as {@link addGroupMembershipEntry}. If the outcome is
   * `unknown`, the session continues the deletion in the background until a manager has confirmed it.
   */
  deleteGroupMembershipEntry(
    ref: MembershipRef,
    options: CallOptions = {},
  ): Promise<MembershipChange> {
    return begun(() => this.#memberships.change('member.delete', ref, this.#group(), options));
  }

  /**
   * Adds many memberships. The results are in the order of `refs`; each is decided separately, and its refusal is a value.
   * Rejects with {@link MgmError} `session-lost` if nothing was sent.
   */
  async addGroupMembershipEntries(
    refs: readonly MembershipRef[],
    options: CallOptions = {},
  ): Promise<MembershipResult[]> {
    return await this.#memberships.changeAll('member.add', refs, this.#group(), options);
  }

  /** Deletes many memberships, as {@link addGroupMembershipEntries} adds them. */
  async deleteGroupMembershipEntries(
    refs: readonly MembershipRef[],
    options: CallOptions = {},
  ): Promise<MembershipResult[]> {
    return await this.#memberships.changeAll('member.delete', refs, this.#group(), options);
  }

  /**
   * Sets what the session wants of a group on an interface that it holds: replaces all its memberships of the group there in
   * one atomic step, in which what is added is alerted before what is removed. IGMP's INCLUDE(A) is `include` A, its
   * EXCLUDE(X,Y) is `exclude` Y (RFC 9776). Like a membership it is set again after an IGMP window and a recovery.
   *
   * Rejects with {@link MgmError} as {@link addGroupMembershipEntry}; `exclude` in the SSM range is `ssm-needs-source`, another
   * epoch than `epoch` `not-owner` (`current`). If `outcome` is `unknown`, the session sets the filter once more in the
   * background, until a manager has executed or refused that. Wire contract section 13.
   */
  setGroupFilter(ref: GroupFilterRef, options: CallOptions = {}): Promise<GroupFilterChange> {
    return begun(() => this.#memberships.setFilter(ref, options));
  }

  /**
   * Changes settings of an interface that the session owns as a routing protocol; those that are absent stay. They end with
   * the ownership, are inherited, and are set again after a recovery: see the session event `settings-lost`. A changed
   * `localMembers` is a window for IGMP on the interface.
   *
   * Rejects with {@link MgmError}: `bad-request` (`field`), `not-found` (nobody holds the interface), `not-owner` (`holder`, or
   * `current` epoch), `session-lost`, `store-full`, `not-supported`. If `outcome` is `unknown`, the session sets them once more in
   * the background, until a manager has executed or refused that. Wire contract section 13.
   */
  setInterface(ref: InterfaceSettingsRef, options: CallOptions = {}): Promise<SettingsChange> {
    return begun(() => this.#memberships.setSettings(ref, options));
  }

  /** The memberships that it added or inherited and that have not ended, as far as replies and callbacks have told. */
  get memberships(): readonly Membership[] {
    return this.#memberships.onRecord;
  }

  /**
   * Enumerates the groups of the router as this session sees them (MgmGroupEnumerationStart, GetNext and End): see
   * {@link ListedEntry}. Pages are requested as they are consumed; leaving the loop is End. What exists throughout is listed
   * exactly once. Rejects with {@link MgmError} `session-lost` when the session, or its present registration, ends.
   */
  groupEnumeration(
    options: GroupOptions & { readonly type: 'any' },
  ): AsyncIterableIterator<ListedGroup>;
  groupEnumeration(
    options?: GroupOptions & { readonly type?: 'all' | undefined },
  ): AsyncIterableIterator<ListedEntry>;
  groupEnumeration(options: GroupOptions = {}): AsyncIterableIterator<ListedEntry | ListedGroup> {
    return this.#memberships.enumerate(options);
  }

  /**
   * Sets routes of the multicast view, in requests of up to 256: from them follows the incoming interface of a source. A
   * route replaces that of the session for the same prefix; the interface need not be held. Routes last as long as the
   * session; they are inherited, and set again after a recovery: see the session event `routes-lost`.
   *
   * The results are in the order of `refs`; each is decided separately, and its refusal is a value: `bad-request`
   * (`field`), `limit`, `store-full`, `not-supported`. If its `outcome` is `unknown`, the session makes sure in the
   * background that the prefix has the route on record again, or none. Rejects with {@link MgmError} only if nothing was
   * sent: `session-lost`. Wire contract section 13.
   */
  async setRoutes(refs: readonly RouteRef[], options: CallOptions = {}): Promise<RouteResult[]> {
    return await this.#routes.set(refs, options);
  }

  /**
   * Deletes routes of the session, as {@link setRoutes} sets them. It is no failure if there is none. If the `outcome` of one
   * is `unknown`, the session continues its deletion in the background.
   */
  async deleteRoutes(
    prefixes: readonly PrefixRef[],
    options: CallOptions = {},
  ): Promise<RouteResult[]> {
    return await this.#routes.delete(prefixes, options);
  }

  /** The routes that it set or inherited and did not delete, as far as replies have told. */
  get routes(): readonly Route[] {
    return this.#routes.onRecord;
  }

  /**
   * Sets the upstream router or the life of a forwarding entry whose incoming interface the session holds (MgmSetMfe;
   * nf-mgm-mgmsetmfe): the answer to a PRUNE alert with `memberDelete` false, for example. Resolves with the forwarding
   * revision.
   *
   * Rejects with {@link MgmError}: `not-found` (status 1168: no entry, or another incarnation), `not-owner` (`holder`, or
   * `current` epoch), `bad-request` (`field`), `session-lost`, `store-full`, `not-supported`. If `outcome` is `unknown`, it may
   * have been set; it is not executed any more after the next change of this session. Wire contract section 13.
   */
  async setMfe(settings: MfeSettings, options: CallOptions = {}): Promise<number> {
    const { group, source, upstream, timeoutMs, incarnation, epoch } = settings;
    const set = omitUndefined({ upstream, timeoutMs, incarnation, epoch });
    const fields = { group, source, ...set };
    const { frev } = await this.#life.current().change('mfe.set', fields, options);
    return frev;
  }

  /**
   * For forwarders: reports flows that have no forwarding entry, in requests of up to 256; each gets one unless it has one.
   * Resolves with the results in the order of `flows`: `installed`, `negative` and `known` with the entry; `pending` (ask
   * again after `retryAfterMs`); `local` (a link-local group); `refused` with its reason. A repeat does no harm.
   *
   * Rejects with {@link MgmError}: `bad-request` (a wrong interface or header, `field`; nothing was sent), `session-lost`,
   * `store-full`, `unavailable`, `not-supported`. Wire contract section 13.
   */
  async reportFlows(flows: readonly FlowRef[], options: CallOptions = {}): Promise<FlowResult[]> {
    return await this.#flows.new(flows, options);
  }

  /**
   * For forwarders: entries that could not be installed, and those that were installed after all (`reason` `''`), in requests
   * of up to 256. Operators see them with the entry. Resolves with the number of items whose incarnation is the present one.
   * A repeat does no harm. Managers forget them with the session.
   *
   * Rejects with {@link MgmError}: `bad-request` (`field`; nothing was sent), `session-lost`, `unavailable`, `not-supported`.
   * Wire contract section 13.
   */
  async reportFailed(items: readonly FailedMfe[], options: CallOptions = {}): Promise<number> {
    return await this.#flows.failed(items, options);
  }

  /**
   * For forwarders: what was counted, in requests of up to 256 entries. All values are absolute ones of this session. Report
   * what changed, at most every 10 s, and an entry once more when it is deleted. Operators and `mgm.getMfeStats` see the sums
   * over all forwarders. Resolves with the number of reports whose incarnation is the present one; an entry with more than 256
   * outgoing interfaces takes several. A repeat does no harm. Managers forget them with the session.
   *
   * Rejects with {@link MgmError}: `bad-request` (`field`; nothing was sent), `session-lost`, `store-full`, `unavailable`,
   * `not-supported`. Wire contract section 13.
   */
  async reportStats(items: readonly MfeCounters[], options: CallOptions = {}): Promise<number> {
    return await this.#flows.stats(items, options);
  }

  /**
   * For forwarders: packets arrived on another interface than the incoming one of their entry (nc-mgm-pmgm_wrong_if_callback).
   * The owners of these interfaces that asked for it get a hint, at most 100 per second and interface. In requests of up to
   * 64. Resolves with the number of hints passed on; each may be lost.
   *
   * Rejects with {@link MgmError}: `bad-request` (`field`; nothing was sent), `session-lost`, `unavailable`, `not-supported`.
   * Wire contract section 13.
   */
  async reportWrongIf(items: readonly WrongIfRef[], options: CallOptions = {}): Promise<number> {
    return await this.#flows.wrongIf(items, options);
  }

  /**
   * For forwarders: every change of forwarding entries up to this forwarding revision is in the forwarding plane, or was
   * reported as failed. Sent with the keepalives; the next one follows within half a second. Operators and `mgm.getMfe`
   * see by it how far forwarding lags. Throws {@link MgmError} `bad-request` for what is not a revision. Wire contract
   * section 13.
   */
  reportProgrammed(frev: number): void {
    if (!Number.isSafeInteger(frev) || frev < 0) {
      throw badRequest('frev: must be an integer from 0', 'frev', { operation: 'keepalive' });
    }
    this.#life.reportProgrammed(frev);
  }

  /**
   * Ends the session (MgmDeRegisterMProtocol; nf-mgm-mgmderegistermprotocol). Waits for pending calls first.
   *
   * Rejects with {@link MgmError} `owns-interfaces` if it still holds interfaces; then it continues. With `force` they are
   * released in the same step, everything is over on this side from the call on, and pending calls fail. If the outcome
   * is `unknown` the session is over, too: its lease runs out.
   */
  async deregister(options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    const { force = false, ...limits } = options;
    if (this.#life.state === 'recovering') return this.#life.end('deregistered');
    let isOver = force;
    try {
      await this.#life.current().deregister(force, limits);
      isOver = true;
    } finally {
      // Its lease may have ended meanwhile, and a recovery have begun.
      if (isOver) this.#life.end('deregistered');
    }
  }

  /**
   * Ends the session on this side only: nothing is released and no further keepalive is sent. For a planned restart with
   * `graceMs`: the next process of the pair inherits what this one held.
   */
  orphan(): void {
    this.#life.end('orphaned');
  }

  /** Deregisters by `force`, within 2 seconds; if no manager confirms that, the lease runs out. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life.state === 'over') return;
    try {
      await this.deregister({ force: true, deadlineMs: DISPOSE_WITHIN_MS });
    } catch (err) {
      this.#context.logger.warn({ router: this.#context.router, err }, 'deregister failed');
    }
  }

  get #isLive(): boolean {
    const { state } = this.#life;
    return state === 'live' || state === 'jeopardy';
  }

  /** IGMP has no settings, so none are on record for it. */
  #toTake(options: TakeOptions): TakeOptions {
    return isIgmp(this.protocolId) ? { ...options, localMembers: undefined } : options;
  }

  /** Without gathering, each call is a group of its own. */
  #group(): number {
    return this.#gathers ? SHARED_GROUP : ++this.#lastGroup;
  }
}

interface SessionParts {
  readonly protocolId: number;
  readonly componentId: number;
  readonly events: Emitter<SessionEvents>;
  readonly gathers: boolean;
}

/** The promise of `begin`, or a rejection if it throws. An async function would cost each call two more promises. */
function begun<Result>(begin: () => Promise<Result>): Promise<Result> {
  try {
    return begin();
  } catch (error) {
    return Promise.reject(failure(error));
  }
}

function keyAt(keys: readonly InterfaceKey[], at: number): InterfaceKey {
  const key = keys[at];
  if (!key) throw new RangeError(`no interface ${at}`);
  return key;
}

function failure(error: unknown): MgmError {
  if (error instanceof MgmError) return error;
  throw error;
}
