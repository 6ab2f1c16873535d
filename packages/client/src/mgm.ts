import type {
  AgentItem,
  Epoch,
  HeadMessage,
  Holder,
  InterfaceItem,
  InterfaceLimits,
  MfeStats,
  ReportedMfe,
  SessionItem,
} from '@mgm/protocol';
import { refusalError } from './errors.ts';
import { agentPages, getMfe, getMfeStats, mfePages, mfeStats } from './forwarding/mfes.ts';
import type { AgentPage, MfeFilter, MfePage, MfeRef, MfeStatsOptions } from './forwarding/mfes.ts';
import { watchForwarding, type ForwardingSighting } from './forwarding/watch.ts';
import { interfaceKey, type InterfaceRef } from './interfaces/refs.ts';
import { groupPages, memberPages } from './membership/listings.ts';
import type {
  GroupOptions,
  ListedEntry,
  ListedGroup,
  ListedMembership,
  MemberFilter,
  MemberPage,
} from './membership/listings.ts';
import { watchMemberships, type MembershipSighting } from './membership/watch.ts';
import { omitUndefined, type CallOptions } from './options.ts';
import { request, requestGranted, type Context } from './rpc/context.ts';
import { flatten, interfacePages, sessionPages } from './rpc/pages.ts';
import type { InterfaceFilter, InterfacePage, PageOptions } from './rpc/pages.ts';
import { isRefusal, type Success } from './rpc/messages.ts';
import type { LinkState } from './rpc/transport.ts';
import type { Session } from './session.ts';
import { Emitter, type LossCause } from './session/events.ts';
import { openSession, type OpenedSession, type ProtocolOptions } from './session/open.ts';
import { Registrar } from './session/register.ts';
import { heads, type HeadsOptions } from './watch/feed.ts';
import type { FollowOptions } from './watch/follow.ts';
import { resolveRoute, routePages } from './view/listings.ts';
import type { ListedRoute, ResolvedRoute, RouteFilter } from './view/listings.ts';
import {
  listReplicas,
  listRouters,
  type Replica,
  type ReplicasOptions,
  type RoutersOptions,
  type RouterSummary,
} from './watch/discovery.ts';
import { watch, type Sighting, type WatchOptions } from './watch/watch.ts';

/** The events of a client; `server` is the NATS server. */
export interface MgmEvents {
  /** The connection to NATS is lost and is being restored. */
  readonly down: { readonly server: string };
  /** The connection to NATS is restored. */
  readonly up: { readonly server: string };
  /** Over, by `close` or because the connection of the caller was closed. */
  readonly closed: { readonly server: string };
}

/** The result of `validateEpoch`. */
export interface Validation {
  /** Whether the epoch is the one in force. */
  readonly valid: boolean;
  /** The epoch in force; `undefined` if the interface is free. */
  readonly current: Epoch | undefined;
}

/** What a static membership names: an interface and an entry. Absent `group` or `source`: the wildcard. */
export interface StaticMembershipRef extends InterfaceRef {
  readonly group?: string | undefined;
  readonly source?: string | undefined;
}

/** The operator and the reason of an administrative action; both are recorded in the event log. 1 to 256 characters each. */
export interface AdminReason {
  readonly actor: string;
  readonly why: string;
}

/** How long `close` waits for its sessions to be deregistered, and for the connection to end. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * A client of the managers of one router, created by `connect`.
 *
 * Every method that sends a request rejects with `MgmError`; its reason is `unavailable` if no manager or no NATS server
 * was available within the call's deadline. Reads change nothing: their outcome is always `not-done`.
 */
export class Mgm implements AsyncDisposable {
  /** The router whose interfaces this client uses. */
  readonly router: string;
  /** The prefix of all subjects. */
  readonly prefix: string;
  readonly #context: Context;
  readonly #registrar: Registrar;
  readonly #open = new Set<OpenedSession>();
  readonly #events: Emitter<MgmEvents>;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
    this.router = context.router;
    this.prefix = context.subjects.prefix;
    this.#registrar = new Registrar(context);
    this.#events = new Emitter(context.logger);
    context.transport.listen({
      onState: (state) => this.#onLink(state),
      onForbidden: (operation, subject) =>
        context.logger.error({ router: this.router, operation, subject }, 'refused by NATS'),
    });
  }

  /** Whether the connection to NATS is up, as far as this side knows. */
  get isConnected(): boolean {
    return this.#context.transport.state === 'up';
  }

  /** Calls `listener` for each event of this name. Returns a function that removes it. */
  on<Name extends keyof MgmEvents>(
    name: Name,
    listener: (event: MgmEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Registers a protocol (MgmRegisterMProtocol; nf-mgm-mgmregistermprotocol) and keeps the session alive from then on.
   *
   * If a former session of the pair (`protocolId`, `componentId`) is in its grace time, or with `takeover` also if it is
   * live, the new one inherits its interfaces under a new epoch: see `Session.resumed` and `Session.ownerships`.
   *
   * Rejects with `MgmError`: `already-registered` (another instance of the pair is live), `bad-request` (a field out of
   * range), `unavailable`. With outcome `unknown` there may be a session that no client keeps alive; it holds nothing and
   * ends after `ttlMs`, and the next registration of the pair continues it instead of failing with `already-registered`.
   */
  async registerProtocol(options: ProtocolOptions): Promise<Session> {
    const opened = await openSession(this.#context, this.#registrar, options);
    if (this.#closing) opened.life.end('closed');
    else this.#keep(opened);
    return opened.session;
  }

  /**
   * The holder of an interface (MgmGetProtocolOnInterface; nf-mgm-mgmgetprotocoloninterface): its routing protocol, or
   * IGMP if no routing protocol owns it. `igmp` reports IGMP in addition to an owner.
   *
   * Rejects with `MgmError` `not-found` (status 1168) if it is free.
   */
  async getProtocolOnInterface(ref: InterfaceRef, options: CallOptions = {}): Promise<Holder> {
    const key = interfaceKey(ref, { operation: 'owner', router: this.router });
    const { status, rev, ...holder } = await requestGranted(this.#context, 'owner', key, {
      ...options,
      origin: { interface: key },
    });
    return holder;
  }

  /**
   * Whether an epoch is the one in force on an interface: for components that act for owners and can't remember the
   * highest epoch that they saw. Rejects with `MgmError`. Wire contract section 6.
   */
  async validateEpoch(
    ref: InterfaceRef & { readonly epoch: Epoch | string },
    options: CallOptions = {},
  ): Promise<Validation> {
    const key = interfaceKey(ref, { operation: 'validate', router: this.router });
    const fields = { ...key, epoch: ref.epoch };
    const origin = { interface: key };
    const { reply } = await request(this.#context, 'validate', fields, { ...options, origin });
    if (!isRefusal(reply)) return { valid: true, current: reply.current };
    if (reply.reason === 'not-owner') return { valid: false, current: reply.current };
    throw refusalError(reply, { ...origin, operation: 'validate', router: this.router });
  }

  /** All held interfaces, one by one; pages are requested as they are consumed. Throws `MgmError`. */
  interfaces(filter: InterfaceFilter = {}): AsyncIterableIterator<InterfaceItem> {
    return flatten(this.interfacePages(filter), (page) => page.items);
  }

  /** The same page by page, with the revision of each: a watcher resumes from that of the first. */
  interfacePages(filter: InterfaceFilter = {}): AsyncIterableIterator<InterfacePage> {
    return interfacePages(this.#context, filter);
  }

  /** All sessions, one by one; pages are requested as they are consumed. Throws `MgmError`. */
  sessions(options: PageOptions = {}): AsyncIterableIterator<SessionItem> {
    return flatten(sessionPages(this.#context, options), (page) => page);
  }

  /**
   * The events after revision `from`, in order. Rejects with `MgmError` `compacted` (`first` is the oldest revision that
   * the log still has) if `from` is too old. Wire contract section 5.
   */
  async events(from: number, options: PageOptions = {}): Promise<Success<'events'>> {
    const { limit, ...limits } = options;
    const fields = { from, ...omitUndefined({ limit }) };
    return await requestGranted(this.#context, 'events', fields, limits);
  }

  /**
   * All changes of state, once each and in order: a snapshot of the interfaces at one revision, a `synced` mark, and then
   * each event after it; or with `from` the events after that revision, and `synced` when those already in the log were
   * reported. Pushed events are reported as they arrive, missed ones are read from the log, also for a slow reader; if the
   * log no longer has them, there is another snapshot with its reason. Filters: `interface`, `protocolId`, `session`. Wire
   * contract section 5.
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<Sighting> {
    return watch(this.#context, options);
  }

  /**
   * The groups that have memberships, one by one, as a tool sees them; a session enumerates by `Session.groupEnumeration`.
   * Type `all` (default) lists every entry with its source, `any` every group once. Pages are requested as they are
   * consumed; what exists throughout is listed exactly once. Throws `MgmError`, `not-supported` if no manager has
   * memberships. Wire contract section 12.
   */
  groups(options: GroupOptions & { readonly type: 'any' }): AsyncIterableIterator<ListedGroup>;
  groups(
    options?: GroupOptions & { readonly type?: 'all' | undefined },
  ): AsyncIterableIterator<ListedEntry>;
  groups(options: GroupOptions = {}): AsyncIterableIterator<ListedEntry | ListedGroup> {
    return flatten(groupPages(this.#context, options), (page) => page.items);
  }

  /** The memberships that match the filter, one by one; pages are requested as they are consumed. Throws `MgmError`. */
  members(filter: MemberFilter = {}): AsyncIterableIterator<ListedMembership> {
    return flatten(this.memberPages(filter), (page) => page.items);
  }

  /**
   * The same page by page, with the membership revision of each: an alert whose `mrev` is at most that of the page is older
   * than the page.
   */
  memberPages(filter: MemberFilter = {}): AsyncIterableIterator<MemberPage> {
    return memberPages(this.#context, filter);
  }

  /**
   * The membership events after membership revision `from`, in order; `limit` is the most messages, each of up to 256
   * items. There are more while `mrev` of the last one is below `head`. Rejects with `MgmError` `compacted` (`first` is the
   * oldest membership revision that the log still has) if `from` is too old. Wire contract section 12.
   */
  async memberEvents(from: number, options: PageOptions = {}): Promise<Success<'member.events'>> {
    const { limit, ...limits } = options;
    const fields = { from, ...omitUndefined({ limit }) };
    return await requestGranted(this.#context, 'member.events', fields, limits);
  }

  /**
   * All memberships and their changes, once each and in order, as {@link watch} does it for interfaces: a snapshot, a
   * `synced` mark, then each event; or with `from`, a membership revision, the events after it. If the log no longer has
   * them, or the store lost it, there is another snapshot with its reason. Throws `MgmError` if it can't continue
   * (`closed`, `not-permitted`, `not-supported`). Wire contract section 12.
   */
  watchMemberships(options: FollowOptions = {}): AsyncIterableIterator<MembershipSighting> {
    return watchMemberships(this.#context, options);
  }

  /**
   * The best route of the multicast view to a source, and the owner of its interface. `source` is a unicast address as text,
   * or a u32 for IPv4 in host order.
   *
   * Rejects with `MgmError`: `not-found` (status 1168, there is no route), `bad-request`, `not-supported` if no manager has
   * a multicast view. Wire contract section 13.
   */
  async resolveRoute(source: string | number, options: CallOptions = {}): Promise<ResolvedRoute> {
    return await resolveRoute(this.#context, source, options);
  }

  /**
   * The routes of the multicast view by family, network and length, one by one; pages are requested as they are consumed.
   * What exists throughout is listed exactly once. Throws `MgmError`, `not-supported` if no manager has a multicast view.
   * Wire contract section 13.
   */
  routes(filter: RouteFilter = {}): AsyncIterableIterator<ListedRoute> {
    return flatten(routePages(this.#context, filter), (page) => page);
  }

  /**
   * The forwarding entry of an (s,g) (MgmGetMfe; nf-mgm-mgmgetmfe): by which interfaces its packets arrive and leave now.
   * Without `oifs` it is negative: its packets are dropped. `failed` names agents that could not program it. An entry that is
   * invalid because the hold of its incoming interface ended is not found.
   *
   * Rejects with `MgmError`: `not-found` (status 1168), `bad-request`, `not-supported` if no manager has forwarding
   * entries. Wire contract section 13.
   */
  async getMfe(ref: MfeRef, options: CallOptions = {}): Promise<ReportedMfe> {
    return await getMfe(this.#context, ref, options);
  }

  /**
   * The forwarding entries by family, group and source, one by one (MgmGetFirstMfe and MgmGetNextMfe;
   * nf-mgm-mgmgetfirstmfe); with `after` those that follow an (s,g). Pages are requested as they are consumed. What exists
   * throughout is listed exactly once. Throws `MgmError`, `not-supported` if no manager has forwarding entries.
   * Wire contract section 13.
   */
  mfes(filter: MfeFilter = {}): AsyncIterableIterator<ReportedMfe> {
    return flatten(this.mfePages(filter), (page) => page.items);
  }

  /** The same page by page, with the forwarding revision of each. Throws `MgmError`. */
  mfePages(filter: MfeFilter = {}): AsyncIterableIterator<MfePage> {
    return mfePages(this.#context, filter);
  }

  /**
   * The counters of a forwarding entry (MgmGetMfeStats; nf-mgm-mgmgetmfestats): sums over the forwarders with a live session
   * that report it, 0 where none does. `flags` as in {@link MfeStatsOptions}.
   *
   * Rejects with `MgmError`: `not-found` (status 1168), `bad-request`, `not-supported` if no manager has counters. Wire
   * contract section 13.
   */
  async getMfeStats(ref: MfeRef, options: MfeStatsOptions & CallOptions = {}): Promise<MfeStats> {
    return await getMfeStats(this.#context, ref, options);
  }

  /**
   * The counters of all forwarding entries, one by one as {@link mfes} lists them (MgmGetFirstMfeStats and
   * MgmGetNextMfeStats; nf-mgm-mgmgetfirstmfestats). Throws `MgmError`, `not-supported` if no manager has counters. Wire
   * contract section 13.
   */
  mfeStats(filter: MfeStatsOptions & MfeFilter = {}): AsyncIterableIterator<MfeStats> {
    return mfeStats(this.#context, filter);
  }

  /**
   * The forwarder agents: how far each has programmed its forwarding plane, and how many entries it could not program; pages
   * are requested as they are consumed. Throws `MgmError`, `not-supported` if no manager has forwarding entries. Wire
   * contract section 13.
   */
  agents(options: PageOptions = {}): AsyncIterableIterator<AgentItem> {
    return flatten(this.agentPages(options), (page) => page.agents);
  }

  /** The same page by page, with the forwarding revision that the agents are compared with. Throws `MgmError`. */
  agentPages(options: PageOptions = {}): AsyncIterableIterator<AgentPage> {
    return agentPages(this.#context, options);
  }

  /**
   * All forwarding entries and their changes, once each and in order, as {@link watch} does it for interfaces: a snapshot,
   * a `synced` mark, then each event; or with `from`, a forwarding revision, the events after it. If the log no longer has
   * them, or the store lost it, there is another snapshot with its reason. An event below the incarnation that its reader
   * has of the entry is to be ignored. Throws `MgmError` if it can't continue (`closed`, `not-permitted`,
   * `not-supported`). Wire contract section 13. `@mgm/client/forwarder` has a complete agent.
   */
  watchForwarding(options: FollowOptions = {}): AsyncIterableIterator<ForwardingSighting> {
    return watchForwarding(this.#context, options);
  }

  /**
   * The heads of the router: its last revision, the first that the log still has, and the log's id, at least once a second
   * while it has live sessions. A slow reader gets the last one. Ends with the signal, or with the client; throws
   * `MgmError` `not-permitted` if NATS refuses the subscription. Wire contract section 1.
   */
  heads(options: HeadsOptions = {}): AsyncIterableIterator<HeadMessage> {
    return heads(this.#context, options);
  }

  /**
   * The managers that serve under this prefix and reply within `withinMs`, or at least the first of them, by name: version,
   * counts, durability, the store and whether they reach it. Without managers the list is empty. Rejects with `MgmError`:
   * `unavailable` (no NATS), `not-permitted` (NATS refuses `$SRV.STATS.mgm-manager`), `aborted`, `bad-request`. Wire
   * contract section 1.
   */
  replicas(options: ReplicasOptions = {}): Promise<Replica[]> {
    return listReplicas(this.#context, options);
  }

  /**
   * The routers under this prefix that have live sessions, by name: those whose head arrives within `withinMs`. Rejects with
   * `MgmError` `not-permitted` if NATS refuses the subscription, `aborted`, `bad-request`. Wire contract section 1.
   */
  routers(options: RoutersOptions = {}): Promise<RouterSummary[]> {
    return listRouters(this.#context, options);
  }

  /**
   * Takes an interface away from its owner, which gets a callback; with `epoch` only what is held under it, so that a late
   * request cannot hit the next owner. Resolves with the former owner. Rejects with `MgmError` `not-found` if it is free,
   * `not-owner` if another epoch is in force.
   *
   * With `epoch` an unanswered request is repeated. If the repeat is then refused, the outcome is `unknown`, because an
   * earlier attempt may have released the interface; in any case it is no longer held under that epoch. Without `epoch` it is
   * not repeated: after `timeoutMs` it rejects with `indeterminate`; call `getProtocolOnInterface` before another attempt.
   */
  async adminRelease(
    ref: InterfaceRef & AdminReason & { readonly epoch?: string | undefined },
    options: CallOptions = {},
  ): Promise<Holder> {
    const key = interfaceKey(ref, { operation: 'admin.release', router: this.router });
    const { epoch, actor, why } = ref;
    const origin = { interface: key };
    const fields = { ...key, ...omitUndefined({ epoch }), actor, why };
    const { previous } = await requestGranted(this.#context, 'admin.release', fields, {
      ...options,
      origin,
      atMostOnce: epoch !== undefined,
    });
    return previous;
  }

  /**
   * Ends a session by its public number, with everything it holds. Resolves with the number of released interfaces. Rejects
   * with `MgmError` `not-found` if there is no such session. An unanswered request is repeated; if the repeat is refused, the
   * outcome is `unknown`, because an earlier attempt may have ended the session.
   */
  async adminEvict(
    target: AdminReason & { readonly session: number },
    options: CallOptions = {},
  ): Promise<number> {
    const { session, actor, why } = target;
    const fields = { session, actor, why };
    const { released } = await requestGranted(this.#context, 'admin.evict', fields, {
      ...options,
      atMostOnce: true,
    });
    return released;
  }

  /**
   * Configures a static membership: it has no holder, counts for whoever owns the interface, and is dormant while no client
   * is on it. Resolves with `changed` false if it exists. Rejects with `MgmError` `limit` if the interface has 1024 of them or
   * reached a limit, `ssm-needs-source`, `store-full`, and with `indeterminate` if the only request had no reply within
   * `timeoutMs`: read `members` before another attempt. Forwarding contract, section 10.
   */
  adminAddMembership(
    ref: StaticMembershipRef & AdminReason,
    options: CallOptions = {},
  ): Promise<Success<'admin.member.add'>> {
    return this.#changeStatic('admin.member.add', ref, options);
  }

  /** Removes a static membership. Rejects with `MgmError` `not-found` if there is none, else as `adminAddMembership`. */
  adminDeleteMembership(
    ref: StaticMembershipRef & AdminReason,
    options: CallOptions = {},
  ): Promise<Success<'admin.member.delete'>> {
    return this.#changeStatic('admin.member.delete', ref, options);
  }

  /**
   * Changes settings of an interface; those that are absent stay, so without any it only reads. Resolves with the settings as
   * they were before. Rejects with `MgmError` `store-full`, and with `indeterminate` if the only request had no reply within
   * `timeoutMs`: read the settings before another attempt. Forwarding contract, section 10.
   */
  async adminSetInterface(
    ref: InterfaceRef &
      AdminReason & {
        readonly [Name in keyof InterfaceLimits]?: InterfaceLimits[Name] | undefined;
      },
    options: CallOptions = {},
  ): Promise<Success<'admin.interface.set'>> {
    const operation = 'admin.interface.set';
    const key = interfaceKey(ref, { operation, router: this.router });
    const { maxGroups, maxEntries, lite, actor, why } = ref;
    const fields = { ...key, ...omitUndefined({ maxGroups, maxEntries, lite }), actor, why };
    return await requestGranted(this.#context, operation, fields, {
      ...options,
      origin: { interface: key },
    });
  }

  async #changeStatic<Name extends 'admin.member.add' | 'admin.member.delete'>(
    operation: Name,
    ref: StaticMembershipRef & AdminReason,
    options: CallOptions,
  ): Promise<Success<Name>> {
    const key = interfaceKey(ref, { operation, router: this.router });
    const { group, source, actor, why } = ref;
    const fields = { ...key, ...omitUndefined({ group, source }), actor, why };
    return await requestGranted(this.#context, operation, fields, {
      ...options,
      origin: { interface: key },
    });
  }

  /**
   * The actions of operators, and their refused attempts, after `from` in a log of its own, in order. If `from` is older than
   * that log, the entries begin at its `first`. Wire contract section 3.
   */
  async adminEvents(from: number, options: PageOptions = {}): Promise<Success<'admin.events'>> {
    const { limit, ...limits } = options;
    const fields = { from, ...omitUndefined({ limit }) };
    return await requestGranted(this.#context, 'admin.events', fields, limits);
  }

  /**
   * Ends the hold-off after data loss, for an operator who knows that no former owner is active. Resolves with the rest of
   * the hold-off in ms. Rejects with `MgmError` `not-found` if there is none, and with `indeterminate` if the only request had
   * no reply within `timeoutMs`: see `mgmctl doctor` before another attempt. Wire contract section 3.
   */
  async adminEndHoldoff(reason: AdminReason, options: CallOptions = {}): Promise<number> {
    const { actor, why } = reason;
    const fields = { actor, why };
    const { leftMs } = await requestGranted(this.#context, 'admin.end-holdoff', fields, options);
    return leftMs;
  }

  /**
   * Ends the client: deregisters its sessions by `force`, fails pending calls (`closed`) and ends the connection, unless
   * the caller created it. Takes at most 2 seconds; the leases of sessions that could not be deregistered by then run out.
   * To leave sessions to a successor, `orphan` them before.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { clock, calls, transport } = this.#context;
    const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(CLOSE_WITHIN_MS, resolve, true);
    const ends = [...this.#open].map(({ session }) => session[Symbol.asyncDispose]());
    await Promise.race([timeIsUp, Promise.all(ends)]);
    this.#endSessions('closed');
    calls.close();
    await Promise.race([timeIsUp, transport.close()]);
    cancel();
  }

  #keep(opened: OpenedSession): void {
    if (opened.life.ended) return;
    this.#open.add(opened);
    opened.session.on('ended', () => this.#open.delete(opened));
  }

  #endSessions(cause: LossCause): void {
    for (const { life } of this.#open) life.end(cause);
    this.#open.clear();
  }

  #onLink(state: LinkState): void {
    const { logger, transport } = this.#context;
    const { server } = transport;
    logger[state === 'down' ? 'warn' : 'info']({ router: this.router, server, state }, 'NATS');
    this.#events.emit(state, { server });
    if (state === 'up') for (const { life } of this.#open) life.linkUp();
    if (state === 'closed') this.#endSessions(this.#closing ? 'closed' : 'disconnected');
  }
}
