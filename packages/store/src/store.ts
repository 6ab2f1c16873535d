import {
  isRouterName,
  refusal,
  type CallbackMessage,
  type HeadMessage,
  type OperationName,
  type RefusalFields,
  type Reply,
  type ReplyBody,
  type Request,
  type Revision,
  type RouterName,
  type SessionId,
} from '@mgm/protocol';
import { answers } from './answers.ts';
import type { BatchReply } from './batch-reply.ts';
import { Batcher, type Decision } from './batcher.ts';
import type { Durability } from './durability.ts';
import { metaKey, routersKey } from './keys.ts';
import type { Link } from './link.ts';
import { openLink } from './open-link.ts';
import type { StoreState } from './redis-link.ts';
import type { EventRun, LossRun, TakeReply } from './generated/arbiter.ts';
import { ARBITER_OPERATION, toArgs } from './requests.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';

/** How to reach the store, and its bounds. Units are ms. */
export interface StoreOptions {
  /** `redis://[user:password@]host:port[/db]`, or a form for sentinels or a cluster: see `parseRedisUrl`. */
  readonly url: string;
  /** What all keys begin with. Default `mgm`. */
  readonly keyPrefix?: string;
  /** What an answered change must have survived. Default `memory`. */
  readonly durability?: Durability;
  /** How long one decision may take before its outcome counts as unknown. Default 300. */
  readonly replyWithinMs?: number;
  /** Operations of one script call. Default 256. */
  readonly batchMax?: number;
  /** Operations that may wait. Default 10 000. */
  readonly queueMax?: number;
  /** Events that each router's log keeps, at least. Default 100 000. */
  readonly eventRetention?: number;
  /** How often this manager sweeps each router, at most. Leases run for twice as long after each sweep. Default 250. */
  readonly sweepEveryMs?: number;
  /** What to tell the world, right after the operations of a batch were answered. */
  readonly onPublish?: (publication: Publication) => void;
  readonly meter?: StoreMeter;
  /** Called once per change. */
  readonly onStateChange?: (state: StoreState) => void;
}

/** Told of every call of the arbiter, for whoever measures. Must cost next to nothing and not throw. */
export interface StoreMeter {
  /** How long the call took, in ms, and the code of its error where it failed. */
  called(tookMs: number, failure?: StoreErrorCode): void;
  /** How many operations one call decided. */
  decided(operations: number): void;
  /** How many interfaces of one `take` were not granted since the store lost data. */
  heldBack(interfaces: number): void;
}

/** What one batch changed, in order. */
export interface Publication {
  readonly router: RouterName;
  readonly log: string;
  /** The instant of the batch, in ms on the store's clock. */
  readonly ts: number;
  /** Events that follow each other and differ in nothing but revision, interface and epoch, as one. */
  readonly runs: readonly EventRun[];
  readonly callbacks: readonly { readonly session: SessionId; readonly message: CallbackMessage }[];
  /** What sessions that are over lost, one callback each: behind the callbacks. */
  readonly losses: readonly LossRun[];
}

export interface SweepReport {
  /** Sessions found over, their interfaces gone or going. */
  readonly ended: number;
  /** Interfaces taken down by this slice. */
  readonly released: number;
  /** There is more to do: sweep again soon. */
  readonly more: boolean;
}

/** Arbitration on Redis. Any number of stores on one Redis agree: all state is there. */
export interface Store extends AsyncDisposable {
  readonly state: StoreState;
  /**
   * Decides one operation of the wire contract and answers its reply; a refusal is an answer too. Rejects with
   * `StoreError`, whose code says whether the effect may have happened.
   */
  execute<Name extends OperationName>(
    router: RouterName,
    operation: Name,
    request: Request<Name>,
  ): Promise<Reply<Name>>;
  /**
   * Ends what is over on a router, one bounded slice; tells its service clock that a manager is serving. `gently`: others wait
   * for the store, so a small one.
   */
  sweep(router: RouterName, options?: { readonly gently?: boolean }): Promise<SweepReport>;
  /** How many operations that somebody waited for a call of this router carried, in the mean of the last ones. */
  operationsPerCall(router: RouterName): number;
  /** The beacon of a router, and how many sessions live on it. */
  head(router: RouterName): Promise<{ readonly head: HeadMessage; readonly sessions: number }>;
  /** Every router ever used with this store. */
  routers(): Promise<RouterName[]>;
  /** Resolves when nothing waits and nothing is under way. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Interfaces of one slice of a sweep: a millisecond or two of Redis. */
const SLICE_MOST = 128;
/** Where others wait. */
const SLICE_GENTLE = 48;

/** One sweep that comes late, or one that is lost, does not stop the clock of the leases. */
const SWEEPS_PROMISED = 2;

/** Troubles of one shard that need not be those of another. */
const MAY_PASS: ReadonlySet<StoreErrorCode> = new Set(['unavailable', 'indeterminate']);

/** Connects in the background and keeps trying: a store that is down is a state, not an error. */
export function openStore(options: StoreOptions): Store {
  return new RedisStore(options);
}

class RedisStore implements Store {
  readonly #keyPrefix: string;
  readonly #link: Link;
  readonly #batcher: Batcher;
  /** Routers on the list, or on their way there. */
  readonly #known = new Map<RouterName, Promise<void>>();
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#keyPrefix = options.keyPrefix ?? 'mgm';
    this.#batcher = new Batcher({
      batchMax: options.batchMax ?? 256,
      queueMax: options.queueMax ?? 10_000,
      eventRetention: options.eventRetention ?? 100_000,
      isReplicated: options.durability?.mode === 'replicated',
      run: (router, request, mayGrow) => this.#run(router, request, mayGrow),
      onDecided: (router, batch) => this.#publish(router, batch),
    });
    this.#link = openLink({
      url: options.url,
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
  ): Promise<Reply<Name>> {
    if (operation !== 'register') return this.#decide(router, operation, request);
    return this.#remember(router).then(() => this.#decide(router, operation, request));
  }

  #decide<Name extends OperationName>(
    router: RouterName,
    operation: Name,
    request: Request<Name>,
  ): Promise<Reply<Name>> {
    const args = argsOf(operation, request);
    if (args.kind === 'refused') return this.#refused(router, args.answer);
    return this.#batcher.ask(
      router,
      ARBITER_OPERATION[operation],
      args.args,
      (decision): Reply<Name> => {
        if (operation === 'take') this.#countHeldBack(decision.reply as TakeReply);
        const answer: ReplyBody<Name> = answers[operation](decision, request);
        return { ...answer, rev: decision.rev as Revision };
      },
      request.deadlineMs,
    );
  }

  async #refused(router: RouterName, answer: RefusalFields) {
    const { rev } = await this.#batcher.decide(router, 'head', {});
    return { ...answer, rev: rev as Revision };
  }

  async sweep(router: RouterName, { gently = false } = {}): Promise<SweepReport> {
    const { reply } = await this.#batcher.decide(router, 'sweep', {
      most: gently ? SLICE_GENTLE : SLICE_MOST,
      servingMs: SWEEPS_PROMISED * (this.#options.sweepEveryMs ?? 250),
    });
    const { ended, released, more } = reply;
    return { ended, released, more };
  }

  operationsPerCall(router: RouterName): number {
    return this.#batcher.operationsPerCall(router);
  }

  async head(router: RouterName): Promise<{ head: HeadMessage; sessions: number }> {
    const { reply, batch }: Decision<'head'> = await this.#batcher.decide(router, 'head', {});
    const { ts, log } = batch;
    return {
      head: { rev: batch.rev as Revision, first: reply.first, ts, log },
      sessions: reply.sessions,
    };
  }

  async routers(): Promise<RouterName[]> {
    const key = routersKey(this.#keyPrefix);
    const members = await this.#link.command('SMEMBERS', key);
    const listed = new Set(Array.isArray(members) ? members.map(String).filter(isRouterName) : []);
    const missing = [...this.#known.keys()].filter((router) => !listed.has(router));
    if (missing.length > 0) await this.#link.command('SADD', key, ...missing);
    return [...listed, ...missing];
  }

  drain(): Promise<void> {
    return this.#batcher.drain();
  }

  async close(): Promise<void> {
    this.#link.close();
    this.#batcher.refuseWaiting(new StoreError('unavailable', 'the store was closed'));
    await this.#batcher.drain();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The sweepers of other replicas must learn of a router before it has anything to sweep. Where the list can't be written
   * although the router may be served (its shard of a cluster is gone), it is when it can be: see {@link routers}.
   */
  async #remember(router: RouterName): Promise<void> {
    const known = this.#known.get(router) ?? this.#list(router);
    this.#known.set(router, known);
    // Also who comes second waits: else it would be decided before the first.
    await known;
  }

  async #list(router: RouterName): Promise<void> {
    try {
      await this.#link.command('SADD', routersKey(this.#keyPrefix), router);
    } catch (error) {
      if (error instanceof StoreError && MAY_PASS.has(error.code)) return;
      this.#known.delete(router);
      throw error;
    }
  }

  #countHeldBack(reply: TakeReply): void {
    const count = heldBackIn(reply);
    if (count > 0) this.#options.meter?.heldBack(count);
  }

  async #run(router: RouterName, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]> {
    const { meter } = this.#options;
    const sentMono = performance.now();
    try {
      const reply = await this.#link.runArbiter(metaKey(this.#keyPrefix, router), request, mayGrow);
      meter?.called(performance.now() - sentMono);
      return reply;
    } catch (error) {
      const failure = error instanceof StoreError ? error.code : 'indeterminate';
      meter?.called(performance.now() - sentMono, failure);
      throw error;
    }
  }

  #publish(router: RouterName, reply: BatchReply): void {
    const { log, ts, runs, callbacks, losses, replies } = reply;
    this.#options.meter?.decided(replies.length);
    if (runs.length > 0 || callbacks.length > 0) {
      this.#options.onPublish?.({ router, log, ts, runs, callbacks, losses });
    }
  }

  #stateChanged(state: StoreState): void {
    if (state.kind !== 'ready') {
      // A store that lost its memory has forgotten its routers, too.
      this.#known.clear();
      const reason = 'reason' in state && state.reason ? `: ${state.reason}` : '';
      this.#batcher.refuseWaiting(new StoreError('unavailable', `not connected to Redis${reason}`));
    }
    this.#options.onStateChange?.(state);
  }
}

type ReadArgs<Name extends OperationName> =
  | { readonly kind: 'args'; readonly args: ReturnType<(typeof toArgs)[Name]> }
  | { readonly kind: 'refused'; readonly answer: ReturnType<typeof refusal> };

/** A cursor is the one field whose form only the store knows. */
function argsOf<Name extends OperationName>(name: Name, request: Request<Name>): ReadArgs<Name> {
  try {
    return { kind: 'args', args: toArgs[name](request) as never };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `cursor: ${error.message}`;
    return { kind: 'refused', answer: refusal('badRequest', message, { field: 'cursor' }) };
  }
}

/** Interfaces that are not granted because of the hold after a loss of data. */
function heldBackIn(reply: TakeReply): number {
  if (reply.kind === 'held_back') return 1;
  if (reply.kind !== 'decided') return 0;
  return reply.results.filter(({ kind }) => kind === 'held_back').length;
}
