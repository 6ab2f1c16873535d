import type { Epoch, HeadMessage, Holder, InterfaceItem, SessionItem } from '@mgm/protocol';
import { absentLeftOut } from './rpc/absent.ts';
import { ask, demand, type Context } from './rpc/context.ts';
import { Emitter } from './session/emitter.ts';
import { refusalError } from './errors.ts';
import { heads, type HeadsOptions } from './watch/heads.ts';
import { interfaceKey, type InterfaceRef } from './interfaces/key.ts';
import { openSession, type OpenedSession, type ProtocolOptions } from './session/open.ts';
import type { CallOptions } from './options.ts';
import { flatten, interfacePages, sessionPages } from './rpc/pages.ts';
import type { InterfaceFilter, InterfacePage, PageOptions } from './rpc/pages.ts';
import { Registrar } from './session/register.ts';
import { listReplicas, type Replica, type ReplicasOptions } from './watch/replicas.ts';
import { isRefusal, type Success } from './rpc/replies.ts';
import type { Session } from './session.ts';
import type { Sighting } from './watch/sighting.ts';
import type { LinkState } from './rpc/transport.ts';
import { watch, type WatchOptions } from './watch/watch.ts';

/** What a client tells its listeners. */
export interface MgmEvents {
  /** The connection to NATS is lost, and being made again. */
  readonly down: { readonly server: string };
  /** It is there again. */
  readonly up: { readonly server: string };
  /** Over, by `close` or because the caller's connection ended. */
  readonly closed: { readonly server: string };
}

/** What an epoch is worth. */
export interface Validation {
  /** Whether it is the one in force. */
  readonly valid: boolean;
  /** The one in force; `undefined` where the interface is free and the manager names none. */
  readonly current: Epoch | undefined;
}

/** Who does something by force, and why: both stand in the event log. 1 to 256 characters each. */
export interface AdminReason {
  readonly actor: string;
  readonly why: string;
}

/** How long `close` waits for its sessions to be deregistered, and for the connection to end. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * A client of the managers of one router. Made by `connect`.
 *
 * Every method that sends something rejects with `MgmError`; reason `unavailable` where no manager or no NATS was there
 * for as long as the call may take. What only reads is repeated until then and leaves nothing behind.
 */
export class Mgm implements AsyncDisposable {
  /** The router whose interfaces this is about. */
  readonly router: string;
  /** What all subjects begin with. */
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

  /** Whether NATS is reachable, as far as this side knows. */
  get isConnected(): boolean {
    return this.#context.transport.state === 'up';
  }

  /** Calls `listener` for each event of this name. Returns what ends that. */
  on<Name extends keyof MgmEvents>(
    name: Name,
    listener: (event: MgmEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Registers a protocol (MgmRegisterMProtocol; nf-mgm-mgmregistermprotocol) and keeps the session alive from then on.
   *
   * Where a former session of the pair (`protocolId`, `componentId`) is in its grace time, or with `takeover` also a live one, the
   * new one inherits what it owned, under a new epoch: see `Session.resumed` and `Session.ownerships`.
   *
   * Rejects with `MgmError`: `already-registered` (another instance of the pair is live), `bad-request` (a field out of
   * range), `unavailable`. With outcome `unknown` there may be a session that nobody keeps alive; it owns nothing and
   * ends by itself after `ttlMs`, and the next call for the pair gets hold of it instead of `already-registered`.
   */
  async registerProtocol(options: ProtocolOptions): Promise<Session> {
    const opened = await openSession(this.#context, this.#registrar, options);
    if (this.#closing) opened.life.end('closed');
    else this.#keep(opened);
    return opened.session;
  }

  /**
   * Who is on an interface (MgmGetProtocolOnInterface; nf-mgm-mgmgetprotocoloninterface): its routing protocol, or IGMP where
   * that is there alone. `igmp` in the answer tells of IGMP beside an owner.
   *
   * Rejects with `MgmError` `not-found` (status 1168) where nobody is.
   */
  async getProtocolOnInterface(ref: InterfaceRef, options: CallOptions = {}): Promise<Holder> {
    const key = interfaceKey(ref, { operation: 'owner', router: this.router });
    const { status, rev, ...holder } = await demand(this.#context, 'owner', key, {
      ...options,
      place: { interface: key },
    });
    return holder;
  }

  /**
   * Whether an epoch is the one in force on an interface: for whoever acts for owners and can't remember the highest
   * epoch that it saw. Wire contract section 6.
   */
  async validateEpoch(
    ref: InterfaceRef & { readonly epoch: Epoch | string },
    options: CallOptions = {},
  ): Promise<Validation> {
    const key = interfaceKey(ref, { operation: 'validate', router: this.router });
    const fields = { ...key, epoch: ref.epoch };
    const place = { interface: key };
    const { reply } = await ask(this.#context, 'validate', fields, { ...options, place });
    if (!isRefusal(reply)) return { valid: true, current: reply.current };
    if (reply.reason === 'not-owner') return { valid: false, current: reply.current };
    throw refusalError(reply, { ...place, operation: 'validate', router: this.router });
  }

  /** The interfaces that somebody is on, one by one, read page by page as they are asked for. */
  interfaces(filter: InterfaceFilter = {}): AsyncIterableIterator<InterfaceItem> {
    return flatten(this.interfacePages(filter), (page) => page.items);
  }

  /** The same page by page, with the revision of each: a watcher goes on from that of the first. */
  interfacePages(filter: InterfaceFilter = {}): AsyncIterableIterator<InterfacePage> {
    return interfacePages(this.#context, filter);
  }

  /** The sessions there are, one by one, read page by page as they are asked for. */
  sessions(options: PageOptions = {}): AsyncIterableIterator<SessionItem> {
    return flatten(sessionPages(this.#context, options), (page) => page);
  }

  /**
   * Changes of state after revision `from`, in order. Wire contract section 5. Rejects with `MgmError` `compacted` (`first`
   * says from where they are still to be had) where `from` is too old.
   */
  async events(from: number, options: PageOptions = {}): Promise<Success<'events'>> {
    const { limit, ...limits } = options;
    return await demand(this.#context, 'events', { from, ...absentLeftOut({ limit }) }, limits);
  }

  /**
   * All changes of state, once and in order, as long as they are asked for: a snapshot of the interfaces at one revision, a
   * `synced` mark, and then each event after it; or with `from` the events after that revision, and `synced` when those
   * that were there are told. Pushed ones come as they happen, missed ones are read back, also for who reads slowly; where that is
   * not possible any more, another snapshot comes and says why. Filters: `interface`, `protocolId`, `session`.
   * Wire contract section 5.
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<Sighting> {
    return watch(this.#context, options);
  }

  /**
   * The beacon of the router: its last revision, the first that the log still has, and the log's id, at least once a second
   * while it has live sessions. Who reads slowly gets the last one. Ends with the signal, or with the client; rejects with
   * `MgmError` `not-permitted` where NATS refuses the subscription. Wire contract section 1.
   */
  heads(options: HeadsOptions = {}): AsyncIterableIterator<HeadMessage> {
    return heads(this.#context, options);
  }

  /**
   * The managers that serve under this prefix and answer within `withinMs`, at least the first of them, by name: version, counts, what they promise, the
   * store and whether they reach it. None is an empty list. Rejects with `MgmError`: `unavailable` (no NATS), `not-permitted`
   * (NATS refuses `$SRV.STATS.mgm-manager`), `aborted`, `bad-request`. Wire contract section 1.
   */
  replicas(options: ReplicasOptions = {}): Promise<Replica[]> {
    return listReplicas(this.#context, options);
  }

  /**
   * Takes an interface away from whoever owns it, who is told. Answers who that was. Not repeated where the answer got
   * lost: outcome `unknown` then means what it says. Rejects with `MgmError` `not-found` where it is free.
   */
  async adminRelease(ref: InterfaceRef & AdminReason, options: CallOptions = {}): Promise<Holder> {
    const key = interfaceKey(ref, { operation: 'admin.release', router: this.router });
    const { actor, why } = ref;
    const place = { interface: key };
    const fields = { ...key, actor, why };
    const reply = await demand(this.#context, 'admin.release', fields, { ...options, place });
    return reply.previous;
  }

  /**
   * Ends a session by its public number, with everything it owns. Answers how many interfaces that were. Not repeated where
   * the answer got lost. Rejects with `MgmError` `not-found` where there is no such session.
   */
  async adminEvict(
    target: AdminReason & { readonly session: number },
    options: CallOptions = {},
  ): Promise<number> {
    const { session, actor, why } = target;
    const reply = await demand(this.#context, 'admin.evict', { session, actor, why }, options);
    return reply.released;
  }

  /**
   * Ends the client: deregisters its sessions by `force`, ends what is under way (`closed`) and the connection, unless that was
   * the caller's. Takes 2 seconds at most; sessions that could not be deregistered by then run out by themselves.
   * To leave them to a successor, `orphan` them before.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { clock, calls, transport } = this.#context;
    const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(CLOSE_WITHIN_MS, resolve, true);
    const ends = [...this.#open].map(({ session }) => session[Symbol.asyncDispose]());
    await Promise.race([timeIsUp, Promise.all(ends)]);
    this.#endSessions();
    calls.close();
    await Promise.race([timeIsUp, transport.close()]);
    cancel();
  }

  #keep(opened: OpenedSession): void {
    if (opened.life.ended) return;
    this.#open.add(opened);
    opened.session.on('ended', () => this.#open.delete(opened));
  }

  #endSessions(): void {
    for (const { life } of this.#open) life.end('closed');
    this.#open.clear();
  }

  #onLink(state: LinkState): void {
    const { logger, transport } = this.#context;
    const { server } = transport;
    logger[state === 'down' ? 'warn' : 'info']({ router: this.router, server, state }, 'NATS');
    this.#events.emit(state, { server });
    if (state === 'up') for (const { life } of this.#open) life.linkUp();
    if (state === 'closed') this.#endSessions();
  }
}
