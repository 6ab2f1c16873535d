import { randomUUID } from 'node:crypto';
import {
  refusal,
  type HeadMessage,
  type OperationName,
  type Reply,
  type Request,
  type Revision,
  type RouterName,
  sessionId,
  type SessionId,
} from '@mgm/protocol';
import type { AddressedCallback, BatchReply } from './batch-reply.ts';
import {
  progressOf,
  stepArgs,
  vetoText,
  type FlowProgress,
  type FlowQuestion,
  type FlowStep,
  type Veto,
} from './flow-creation.ts';
import { Batcher } from './batcher.ts';
import { startTrace, type BatchTracer, type RequestTrace } from './batch-tracer.ts';
import type { Durability } from './durability.ts';
import type {
  AlertRun,
  ArbiterArgs,
  ArbiterOperation,
  EventRun,
  FibMessage,
  LossRun,
  MemberRun,
  TakeScriptReply,
} from './generated/arbiter.ts';
import { metaKey, storeIdKey } from './keys.ts';
import type { StoreOperation } from './operations/operation.ts';
import { flowNew } from './operations/flow-new.ts';
import { flowWrongIf } from './operations/flow-wrongif.ts';
import { STORE_OPERATIONS } from './operations/table.ts';
import { heldOffIn } from './operations/take.ts';
import type { Caller, QueuedOperation } from './queued-operation.ts';
import type { Link, StoreState } from './redis/link.ts';
import { openLink } from './redis/open.ts';
import type { RedisCredentials } from './redis/url.ts';
import { ServedTime } from './served-time.ts';
import { RouterList, type PurgeOutcome } from './router-list.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';

/** How to reach the store, and its limits. Units are ms. */
export interface StoreOptions {
  /** `redis://[user:password@]host:port[/db]`, or a form for sentinels or a cluster: see `parseRedisUrl`. */
  readonly url: string;
  /** Certificates of TLS, and the password of sentinels. */
  readonly credentials?: RedisCredentials | undefined;
  /** The prefix of all keys. Default `mgm`. */
  readonly keyPrefix?: string;
  /** Which failures an acknowledged change survives. Default `memory`. */
  readonly durability?: Durability;
  /** How long one batch may take before its outcome counts as unknown. Default 300. */
  readonly replyWithinMs?: number;
  /** Operations of one batch. Default 256. */
  readonly batchMax?: number;
  /** Operations that may be queued. Default 10 000. */
  readonly queueMax?: number;
  /** The minimum number of events that each router's log keeps. Default 100 000. */
  readonly eventRetention?: number;
  /** How long an idle router keeps its data, the event log included. Default one day. */
  readonly retentionMs?: number;
  /** Routers that the store may have, in use or idle. Default 100 000. */
  readonly routersMax?: number;
  /** Sessions that one router may have. Default 100 000. */
  readonly sessionsMax?: number;
  /** Interfaces that one session may be on. Default 1 000 000. */
  readonly interfacesMax?: number;
  /** The minimum number of entries that each router's operator log keeps. Default 10 000. */
  readonly operatorEventsMax?: number;
  /** How long an operator log is kept after its last entry. Default 90 days. */
  readonly operatorRetentionMs?: number;
  /** Entries with group memberships of one router; more are refused. Default 1 000 000. */
  readonly entriesMax?: number;
  /** Routes of one router's multicast view; more are refused. Default 1 000 000. */
  readonly routesMax?: number;
  /** Forwarding entries of one router; more are refused. Default 1 000 000. */
  readonly mfesMax?: number;
  /** The longest interval between two calls of {@link Store.serve}: after one, leases run for twice as long. Default 250. */
  readonly sweepEveryMs?: number;
  /** Called with the events and callbacks of a batch, right after its operations were answered. */
  readonly onPublish?: (publication: Publication) => void;
  /** Called after a batch that leaves withdrawn memberships: a sweep should follow soon. */
  readonly onUnsettled?: (router: RouterName) => void;
  readonly meter?: StoreMeter;
  /** Traces the batches with requests that were given a trace. */
  readonly tracer?: BatchTracer;
  /** Called once per change. */
  readonly onStateChange?: (state: StoreState) => void;
}

/** Counts batches for metrics. Must be cheap and must not throw. */
export interface StoreMeter {
  /** How long a batch took, in ms, and the code of its error if it failed. */
  called(tookMs: number, failure?: StoreErrorCode): void;
  /** How many operations a batch decided. */
  decided(operations: number): void;
  /** How many interfaces of a `take` the hold-off refused. */
  heldBack(interfaces: number): void;
}

/** The changes of one batch, in order. */
export interface Publication {
  readonly router: RouterName;
  readonly log: string;
  /** The instant of the batch, in ms on the store's clock. */
  readonly ts: number;
  /** Consecutive events that differ only in revision, interface and epoch form one run. */
  readonly runs: readonly EventRun[];
  readonly callbacks: readonly AddressedCallback[];
  /** Interfaces lost by sessions that ended, one callback each, to be sent after the callbacks. */
  readonly losses: readonly LossRun[];
  /** Consecutive membership events that differ only in revision, entry and interface form one run. */
  readonly memberRuns: readonly MemberRun[];
  /** Alerts, each with the sessions that receive it, to be sent after the callbacks. */
  readonly alerts: readonly AlertRun[];
  /** Changes of forwarding entries. */
  readonly fib: readonly FibMessage[];
}

export interface SweepReport {
  /** Sessions found ended. */
  readonly ended: number;
  /** Interfaces released by this slice. */
  readonly released: number;
  /** Whether more is to be done: sweep again soon. */
  readonly more: boolean;
  /** Whether the router has no session and nothing to release: it needs no sweep until it is used again. */
  readonly idle: boolean;
  /** When the next sweep is due, in ms; undefined if nothing will ever be. Registrations and releases may make it earlier. */
  readonly dueInMs: number | undefined;
}

export interface HeadReport {
  readonly head: HeadMessage;
  /** Sessions, live and stale. */
  readonly sessions: number;
  /** As in {@link SweepReport}. */
  readonly dueInMs: number | undefined;
}

/** The reply to `flow.new`, or what became of each flow so far. */
export type BegunFlows =
  | { readonly kind: 'refused'; readonly reply: Reply<'flow.new'> }
  | { readonly kind: 'begun'; readonly flows: readonly FlowProgress[]; readonly rev: Revision };

/** A session that is sent hints. */
export interface HintOwner {
  readonly session: SessionId;
  /** Where managers identify callers. */
  readonly identity: string | undefined;
}

/** The reply to `flow.wrongif`, or for each item the session that is sent the hint. */
export type HintOwners =
  | { readonly kind: 'refused'; readonly reply: Reply<'flow.wrongif'> }
  | {
      readonly kind: 'owners';
      readonly owners: readonly (HintOwner | undefined)[];
      readonly rev: Revision;
    };

/** Arbitration on Redis. Any number of stores may share one Redis: all state is there. */
export interface Store extends AsyncDisposable {
  readonly state: StoreState;
  /**
   * Executes one operation of the wire contract, for `caller` where managers identify callers, as a part of `trace` where it is traced. A
   * refusal is a reply too. Rejects with `StoreError`, whose code says whether the effect may have happened.
   */
  execute<Name extends OperationName>(
    router: RouterName,
    operation: Name,
    request: Request<Name>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<Reply<Name>>;
  /**
   * Begins `flow.new`: decides the flows for which no session is to be asked, in one step, and says which to ask about the others.
   * `silent`: sessions that are not to be asked.
   */
  beginFlows(
    router: RouterName,
    request: Request<'flow.new'>,
    silent: readonly SessionId[],
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<BegunFlows>;
  /** Finds the sessions to which `flow.wrongif` passes hints. Rejects as {@link execute}. */
  hintOwners(
    router: RouterName,
    request: Request<'flow.wrongif'>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<HintOwners>;
  /** Continues flows after the answers to their questions, or without them. Rejects with `store-full`: none was created. */
  continueFlows(
    router: RouterName,
    steps: readonly FlowStep[],
    silent: readonly SessionId[],
  ): Promise<readonly FlowProgress[]>;
  /** Vetoes interfaces of a forwarding entry after a late answer, unless the entry or their holds are others by now. */
  vetoFlow(router: RouterName, question: FlowQuestion, vetoes: readonly Veto[]): Promise<void>;
  /**
   * Called while workers can reach this manager, at least once in `sweepEveryMs`: the leases of a router run only while a
   * manager serves. Also notices a store that hangs.
   */
  serve(): void;
  /** Ends expired sessions of a router, one bounded slice. */
  sweep(router: RouterName): Promise<SweepReport>;
  /** The `head` message of a router, and what this manager must know of it. */
  head(router: RouterName): Promise<HeadReport>;
  /** The routers in use. */
  routers(): Promise<RouterName[]>;
  /** Deletes the data of routers that have been idle for the retention time. */
  purge(): Promise<void>;
  /**
   * The id of this store, a random text that all managers with this Redis and key prefix share. Creates it where it is
   * missing; a store that lost its data gets the id back that this manager knows.
   */
  id(): Promise<string>;
  /** Resolves when nothing is queued or in flight. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Sessions, and interfaces, of one slice of a sweep: about half a millisecond of Redis. */
const SLICE = 48;

/** Entries of one slice while no other request of the router came since the slice before: fewer calls, about two milliseconds each. */
const UNDISTURBED_SLICE = 4 * SLICE;

/** Rounds of sweeps that a promise to the service clock spans, so that a late one does not stop the leases. */
const ROUNDS_PROMISED = 2;

const DEFAULT_RETENTION_MS = 86_400_000;

/** Operations that succeed only for a session, so that the router is in use. */
const USES_ROUTER: ReadonlySet<OperationName> = new Set(['register', 'keepalive', 'take']);

/**
 * How long, in ms, a router's last known state counts without a reply. Longer than any lease, so that lost data is noticed as
 * long as a former owner may act.
 */
const MEMORY_KEPT_MS = 600_000;

/** Connects in the background and keeps trying: an unreachable store is a state, not an error. */
export function openStore(options: StoreOptions): Store {
  return new RedisStore(options);
}

class RedisStore implements Store {
  readonly #keyPrefix: string;
  readonly #link: Link;
  readonly #batcher: Batcher;
  readonly #routers: RouterList;
  readonly #retentionMs: number;
  readonly #promiseMs: number;
  readonly #served: ServedTime;
  #id: string = randomUUID();
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#keyPrefix = options.keyPrefix ?? 'mgm';
    this.#retentionMs = options.retentionMs ?? DEFAULT_RETENTION_MS;
    this.#promiseMs = ROUNDS_PROMISED * (options.sweepEveryMs ?? 250);
    this.#served = new ServedTime(this.#promiseMs);
    this.#batcher = new Batcher({
      batchMax: options.batchMax ?? 256,
      queueMax: options.queueMax ?? 10_000,
      eventRetention: options.eventRetention ?? 100_000,
      memoryKeptMs: Math.min(MEMORY_KEPT_MS, this.#retentionMs / 2),
      limits: {
        sessionsMax: options.sessionsMax ?? 100_000,
        interfacesMax: options.interfacesMax ?? 1_000_000,
        operatorEventsMax: options.operatorEventsMax ?? 10_000,
        operatorRetentionMs: options.operatorRetentionMs ?? 90 * 86_400_000,
        entriesMax: options.entriesMax ?? 1_000_000,
        routesMax: options.routesMax ?? 1_000_000,
        mfesMax: options.mfesMax ?? 1_000_000,
      },
      servedMs: () => this.#served.totalMs(),
      isReplicated: options.durability?.mode === 'replicated',
      run: (router, request, mayGrow, batch) => this.#run(router, request, mayGrow, batch),
      onDecided: (router, batch) => this.#publish(router, batch),
    });
    this.#routers = new RouterList({
      keyPrefix: this.#keyPrefix,
      routersMax: options.routersMax ?? 100_000,
      retentionMs: this.#retentionMs,
      command: (name, ...args) => this.#link.command(name, ...args),
      purge: (router) => this.#purgeRouter(router),
    });
    this.#link = openLink({
      url: options.url,
      credentials: options.credentials,
      replyWithinMs: options.replyWithinMs ?? 300,
      durability: options.durability ?? { mode: 'memory' },
      onStateChange: (state) => this.#stateChanged(state),
    });
  }

  get state(): StoreState {
    return this.#link.state;
  }

  execute<Name extends OperationName>(
    router: RouterName,
    operation: Name,
    request: Request<Name>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<Reply<Name>> {
    if (operation !== 'register') return this.#decide(router, operation, request, caller, trace);
    const startedMono = performance.now();
    return this.#routers
      .list(router)
      .then(() =>
        this.#decide(router, operation, withTimeLeft(request, startedMono), caller, trace),
      );
  }

  async #decide<Name extends OperationName>(
    router: RouterName,
    operation: Name,
    request: Request<Name>,
    caller: Caller | undefined,
    trace: RequestTrace | undefined,
  ): Promise<Reply<Name>> {
    const entry: StoreOperation<Name, ArbiterOperation> = STORE_OPERATIONS[operation];
    let args: ArbiterArgs[ArbiterOperation];
    try {
      args = entry.args(request);
    } catch (error) {
      return await this.#refuseCursor(router, error);
    }
    const decision = await this.#batcher.decide(
      router,
      entry.script,
      args,
      request.deadlineMs,
      caller,
      trace,
    );
    if (operation === 'take') this.#countHeldOff(decision.reply as TakeScriptReply);
    const reply = entry.reply(decision, request);
    if (reply.status === 0 && USES_ROUTER.has(operation)) this.#routers.use(router);
    return { ...reply, rev: decision.rev };
  }

  async beginFlows(
    router: RouterName,
    request: Request<'flow.new'>,
    silent: readonly SessionId[],
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<BegunFlows> {
    const args = { ...flowNew.args(request), asks: true, silent };
    const { deadlineMs } = request;
    const decision = await this.#batcher.decide(
      router,
      'flow_new',
      args,
      deadlineMs,
      caller,
      trace,
    );
    const { reply, rev } = decision;
    if (reply.kind !== 'flows') {
      return { kind: 'refused', reply: { ...flowNew.reply(decision, request), rev } };
    }
    const flows = request.flows.map((flow, at) => progressOf(flow, reply.results[at]));
    return { kind: 'begun', flows, rev };
  }

  async hintOwners(
    router: RouterName,
    request: Request<'flow.wrongif'>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<HintOwners> {
    const decision = await this.#batcher.decide(
      router,
      'flow_wrongif',
      flowWrongIf.args(request),
      request.deadlineMs,
      caller,
      trace,
    );
    const { reply, rev } = decision;
    if (reply.kind !== 'owners') {
      return { kind: 'refused', reply: { ...flowWrongIf.reply(decision, request), rev } };
    }
    const owners = reply.to.map(({ session, identity }) =>
      session === 0 ? undefined : { session: sessionId(session), identity },
    );
    return { kind: 'owners', owners, rev };
  }

  async continueFlows(
    router: RouterName,
    steps: readonly FlowStep[],
    silent: readonly SessionId[],
  ): Promise<readonly FlowProgress[]> {
    const { reply } = await this.#batcher.decide(router, 'flow_answered', stepArgs(steps, silent));
    if (reply.kind === 'store_full') throw new StoreError('store-full', 'Redis is out of memory');
    return steps.map(({ question: { name } }, at) =>
      progressOf({ kind: 'flow', name }, reply.results[at]),
    );
  }

  async vetoFlow(
    router: RouterName,
    { name, incarnation }: FlowQuestion,
    vetoes: readonly Veto[],
  ): Promise<void> {
    const args = { name, incarnation, vetoes: vetoText(vetoes) };
    await this.#batcher.decide(router, 'flow_veto', args);
  }

  /** A cursor is the only field whose form the store alone knows. */
  async #refuseCursor(router: RouterName, error: unknown) {
    if (!(error instanceof RangeError)) throw error;
    const { rev } = await this.#batcher.decide(router, 'head', {});
    const refused = refusal('badRequest', `cursor: ${error.message}`, { field: 'cursor' });
    return { ...refused, rev };
  }

  serve(): void {
    this.#served.extend();
    // A failure changes the state of the connection, or makes a batch fail: both are noticed there.
    void this.#link.command('GET', storeIdKey(this.#keyPrefix)).catch(() => {});
  }

  async sweep(router: RouterName): Promise<SweepReport> {
    const isDisturbing = this.#batcher.hadRequests(router);
    const { reply, batch } = await this.#batcher.decide(router, 'sweep', {
      most: SLICE,
      mostEntries: isDisturbing ? SLICE : UNDISTURBED_SLICE,
      servingMs: this.#promiseMs,
    });
    const { ended, released, more, idle, dueInMs } = reply;
    if (idle) {
      await this.#routers.idle(router, batch.log === '' ? undefined : batch.ts);
    }
    return { ended, released, more, idle, dueInMs: dueFrom(dueInMs) };
  }

  async head(router: RouterName): Promise<HeadReport> {
    const { reply, batch } = await this.#batcher.decide(router, 'head', {});
    const { ts, log } = batch;
    return {
      head: {
        rev: batch.rev,
        first: reply.first,
        ts,
        log,
        schema: reply.schema,
        mrev: batch.members.mrev,
        mfirst: reply.membersFirst,
        settled: batch.members.settled,
        rrev: batch.view.rrev,
        rsettled: batch.view.rsettled,
        frev: batch.view.frev,
        ffirst: reply.fibFirst,
        msettled: batch.view.msettled,
        ...(reply.holdOffMs > 0 && { holdOffMs: reply.holdOffMs }),
      },
      sessions: reply.sessions,
      dueInMs: dueFrom(reply.dueInMs),
    };
  }

  routers(): Promise<RouterName[]> {
    return this.#routers.names();
  }

  purge(): Promise<void> {
    this.#batcher.prune();
    return this.#routers.purge();
  }

  async id(): Promise<string> {
    const key = storeIdKey(this.#keyPrefix);
    let found = await this.#link.command('GET', key);
    if (found === null) {
      await this.#link.command('SET', key, this.#id, 'NX');
      found = await this.#link.command('GET', key);
    }
    this.#id = String(found);
    return this.#id;
  }

  drain(): Promise<void> {
    return this.#batcher.drain();
  }

  async close(): Promise<void> {
    this.#link.close();
    this.#batcher.refuseQueued(new StoreError('unavailable', 'the store was closed'));
    await this.#batcher.drain();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #purgeRouter(router: RouterName): Promise<PurgeOutcome> {
    const retentionMs = this.#retentionMs;
    const { reply } = await this.#batcher.decide(router, 'purge', { retentionMs });
    if (reply.kind === 'kept') return { lastUsedAt: reply.lastUsedAt };
    if (reply.kind === 'in_use') return 'in-use';
    this.#batcher.forget(router);
    return 'purged';
  }

  #countHeldOff(reply: TakeScriptReply): void {
    const count = heldOffIn(reply);
    if (count > 0) this.#options.meter?.heldBack(count);
  }

  async #run(
    router: RouterName,
    request: Buffer,
    mayGrow: boolean,
    batch: readonly QueuedOperation[],
  ): Promise<readonly Buffer[]> {
    const { meter, tracer } = this.#options;
    const traced = tracer && startTrace(tracer, router, batch);
    const sentMono = performance.now();
    try {
      const reply = await this.#link.runArbiter(metaKey(this.#keyPrefix, router), request, mayGrow);
      meter?.called(performance.now() - sentMono);
      traced?.();
      return reply;
    } catch (error) {
      const failure = error instanceof StoreError ? error.code : 'indeterminate';
      meter?.called(performance.now() - sentMono, failure);
      traced?.(failure);
      throw error;
    }
  }

  #publish(router: RouterName, reply: BatchReply): void {
    const { log, ts, runs, callbacks, losses, replies, members, view } = reply;
    this.#options.meter?.decided(replies.length);
    const { runs: memberRuns, alerts } = members;
    const { fib } = view;
    const messages = runs.length + callbacks.length + memberRuns.length + alerts.length;
    if (messages + fib.length > 0) {
      const ofMembers = { memberRuns, alerts };
      this.#options.onPublish?.({ router, log, ts, runs, callbacks, losses, ...ofMembers, fib });
    }
    if (members.isUnsettled || view.isUnsettled) this.#options.onUnsettled?.(router);
  }

  #stateChanged(state: StoreState): void {
    this.#batcher.distrust();
    if (state.kind !== 'ready') {
      this.#routers.distrust();
      const reason = 'reason' in state && state.reason ? `: ${state.reason}` : '';
      this.#batcher.refuseQueued(new StoreError('unavailable', `not connected to Redis${reason}`));
    }
    this.#options.onStateChange?.(state);
  }
}

/** The script's -1: nothing is due, now or later. */
function dueFrom(dueInMs: number): number | undefined {
  return dueInMs < 0 ? undefined : dueInMs;
}

/** The request with what is left of its deadline. */
function withTimeLeft<Name extends OperationName>(
  request: Request<Name>,
  startedMono: number,
): Request<Name> {
  const { deadlineMs } = request;
  if (deadlineMs === undefined) return request;
  return { ...request, deadlineMs: Math.max(0, deadlineMs - (performance.now() - startedMono)) };
}
