import type { RouterName } from '@mgm/protocol';
import { readBatchReply, type BatchReply } from './batch-reply.ts';
import type { RequestTrace } from './batch-tracer.ts';
import { FairQueue, hasHighPriorityRoom, hasRoom, retryAfterMs } from './fair-queue.ts';
import { encode, FLAGS, type ArbiterArgs, type ArbiterOperation } from './generated/arbiter.ts';
import { handleText } from './names.ts';
import {
  flowOf,
  packedCallers,
  resolveAll,
  withoutExpired,
  type Caller,
  type Decision,
  type QueuedOperation,
} from './queued-operation.ts';
import { RouterMemory } from './router-memory.ts';
import { packForScript } from './script-values.ts';
import { StoreError } from './store-error.ts';

/** Limits of one router that the script enforces. */
export interface RouterLimits {
  /** Sessions of one router. */
  readonly sessionsMax: number;
  /** Interfaces of one session. */
  readonly interfacesMax: number;
  /** Entries of the operator log, at least. */
  readonly operatorEventsMax: number;
  /** How long the operator log is kept after its last entry, in ms. */
  readonly operatorRetentionMs: number;
  /** Entries with group memberships of one router. */
  readonly entriesMax: number;
  /** Routes of the multicast view of one router. */
  readonly routesMax: number;
  /** Forwarding entries of one router. */
  readonly mfesMax: number;
}

export interface BatcherOptions {
  /** Operations of one batch; an operation on several interfaces counts as that many. */
  readonly batchMax: number;
  /** Operations that may be queued, over all routers; high-priority ones up to twice as many. */
  readonly queueMax: number;
  readonly eventRetention: number;
  /** How long the last known state of a router counts without a reply, in ms. */
  readonly memoryKeptMs: number;
  readonly limits: RouterLimits;
  /** How long this process has served, in ms; without it leases run only for the time that sweeps promise. */
  readonly servedMs?: () => number;
  /** Whether `run` resolves only when replicas have the changes. Default false. */
  readonly isReplicated?: boolean;
  /** Runs one batch. With `mayGrow` Redis refuses it when it is out of memory. */
  readonly run: (
    router: RouterName,
    request: Buffer,
    mayGrow: boolean,
    batch: readonly QueuedOperation[],
  ) => Promise<readonly Buffer[]>;
  /** Called after the operations of a batch were answered. */
  readonly onDecided: (router: RouterName, batch: BatchReply) => void;
}

interface RouterQueue {
  readonly router: RouterName;
  readonly memory: RouterMemory;
  readonly queued: FairQueue<QueuedOperation>;
  /** Handles that the store has accepted. */
  readonly verified: Set<string>;
  inFlight: number;
  /** Whether an operation other than a sweep came since the last sweep. */
  hadRequests: boolean;
  sentMono: number;
  /** Runs while only delay-tolerant operations are queued. */
  coalescing: NodeJS.Timeout | undefined;
}

/** Batches of one router in flight: Redis decides one while others are on their way; further operations gather meanwhile. */
const IN_FLIGHT_MAX = 4;

/** How long, in ms, delay-tolerant operations are coalesced after the last batch; the first after a pause is sent directly. */
const COALESCE_MS = 50;

/** An operation with a deadline closer than this, in ms, is not delayed. */
const NO_DELAY_BELOW_MS = 10 * COALESCE_MS;

/** The weight of the latest batch in the moving average of batch times. */
const LATEST_WEIGHT = 0.2;

/**
 * Gathers the operations of one turn of the event loop into one batch per router, in the order of arrival. Under load batches
 * fill up while earlier ones are in flight, sessions take turns, and operations beyond the queue's limit are refused
 * immediately. Delay-tolerant operations wait up to 50 ms for others, since a batch per keepalive would cost two socket writes
 * each.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #queues = new Map<RouterName, RouterQueue>();
  readonly #due = new Set<RouterQueue>();
  #arrivals = 0;
  #queued = 0;
  #inFlight = 0;
  #batchMs = 1;
  /** No epoch up to the highest one of a forgotten router is granted again, on any router. */
  #epochFloor = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Decides one operation, unless its turn comes after `withinMs`. Rejects with `StoreError`. */
  decide<Name extends ArbiterOperation>(
    router: RouterName,
    operation: Name,
    args: ArbiterArgs[Name],
    withinMs = Number.POSITIVE_INFINITY,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<Decision<Name>> {
    const { isExclusive, isDelayTolerant, ...flags } = FLAGS[operation];
    const known = this.#queues.get(router);
    const handle = 'handle' in args ? handleText(args.handle) : undefined;
    const isVerified = handle === undefined || (known?.verified.has(handle) ?? false);
    const isHighPriority = flags.isHighPriority && isVerified;
    const flow = flowOf({ operation, handle, isVerified, caller });
    if (!this.#hasRoom(known, flow, isHighPriority)) return Promise.reject(this.#overloaded());
    const queue = known ?? this.#newQueue(router);
    queue.hadRequests = operation !== 'sweep';
    const { promise, resolve, reject } = Promise.withResolvers<Decision<Name>>();
    queue.queued.push({
      arrival: this.#arrivals++,
      flow,
      isHighPriority,
      isExclusive,
      weight: 'interfaces' in args ? Math.max(1, args.interfaces.length) : 1,
      handle,
      isVerified,
      operation,
      call: encode[operation](args),
      caller,
      trace,
      deadlineMono: performance.now() + withinMs,
      resolve: resolve as never,
      reject,
    });
    this.#queued++;
    if (isDelayTolerant && withinMs > NO_DELAY_BELOW_MS) this.#sendCoalesced(queue);
    else this.#sendSoon(queue);
    return promise;
  }

  /** Whether the router had operations since its last sweep. */
  hadRequests(router: RouterName): boolean {
    return this.#queues.get(router)?.hadRequests ?? false;
  }

  /** Rejects the operations that have not been sent; batches in flight complete by themselves. */
  refuseQueued(error: StoreError): void {
    for (const queue of this.#queues.values()) {
      this.#queued -= queue.queued.length;
      for (const one of queue.queued.takeAll()) one.reject(error);
    }
    this.#notifyIdle();
  }

  /** The store was not reachable for a time, for which no lease may run. */
  distrust(): void {
    for (const { memory } of this.#queues.values()) memory.forgetLastCall();
  }

  /** Forgets a router whose data was deleted. */
  forget(router: RouterName): void {
    const queue = this.#queues.get(router);
    if (!queue || queue.queued.length > 0 || queue.inFlight > 0) return;
    this.#epochFloor = Math.max(this.#epochFloor, queue.memory.epoch);
    this.#queues.delete(router);
  }

  /** Forgets routers without a recent reply: they are not swept, so they have no sessions. */
  prune(): void {
    for (const { router, memory } of this.#queues.values()) {
      if (memory.isOlderThan(this.#options.memoryKeptMs)) this.forget(router);
    }
  }

  /** Resolves when nothing is queued or in flight. */
  async drain(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #hasRoom(queue: RouterQueue | undefined, flow: string, isHighPriority: boolean): boolean {
    const manager = { max: this.#options.queueMax, queued: this.#queued };
    if (isHighPriority) return hasHighPriorityRoom(manager);
    const { queued } = queue ?? {};
    return hasRoom({
      ...manager,
      ofRouter: queued?.length ?? 0,
      ofFlow: queued?.lengthOf(flow) ?? 0,
    });
  }

  #overloaded(): StoreError {
    const perRound = this.#options.batchMax * IN_FLIGHT_MAX;
    return new StoreError('overloaded', `${this.#queued} operations are waiting for the store`, {
      retryAfterMs: retryAfterMs(this.#queued, perRound, this.#batchMs),
    });
  }

  #newQueue(router: RouterName): RouterQueue {
    const queue: RouterQueue = {
      router,
      memory: new RouterMemory(this.#epochFloor),
      queued: new FairQueue(),
      verified: new Set(),
      inFlight: 0,
      hadRequests: false,
      sentMono: -Infinity,
      coalescing: undefined,
    };
    this.#queues.set(router, queue);
    return queue;
  }

  /** For a delay-tolerant operation. It is sent with the first operation that is not. */
  #sendCoalesced(queue: RouterQueue): void {
    const { queued, coalescing, sentMono } = queue;
    const leftMs = sentMono + COALESCE_MS - performance.now();
    const mayWait = coalescing
      ? queued.length < this.#options.batchMax
      : queued.length === 1 && leftMs > 0;
    if (mayWait) queue.coalescing ??= setTimeout(() => this.#sendSoon(queue), leftMs);
    else this.#sendSoon(queue);
  }

  #sendSoon(queue: RouterQueue): void {
    if (this.#due.size === 0) setImmediate(() => this.#sendDue());
    this.#due.add(queue);
  }

  #sendDue(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const queue of due) this.#sendFrom(queue);
  }

  #sendFrom(queue: RouterQueue): void {
    clearTimeout(queue.coalescing);
    queue.coalescing = undefined;
    while (queue.queued.length > 0 && queue.inFlight < IN_FLIGHT_MAX) {
      const taken = queue.queued.take(this.#options.batchMax);
      this.#queued -= taken.length;
      const batch = withoutExpired(taken);
      if (batch.length === 0) continue;
      queue.inFlight++;
      queue.sentMono = performance.now();
      this.#inFlight++;
      void this.#run(queue, batch).finally(() => this.#ended(queue));
    }
    this.#notifyIdle();
  }

  #ended(queue: RouterQueue): void {
    queue.inFlight--;
    this.#inFlight--;
    const { queued, inFlight, coalescing, memory } = queue;
    if (queued.length > 0 && !coalescing) this.#sendFrom(queue);
    // An unused router leaves nothing in memory, however many names are tried.
    else if (queued.length === 0 && inFlight === 0 && memory.isEmpty) {
      this.#queues.delete(queue.router);
    }
    this.#notifyIdle();
  }

  /** Never rejects: every operation of the batch is resolved or rejected. */
  async #run(queue: RouterQueue, batch: readonly QueuedOperation[]): Promise<void> {
    const beganMono = performance.now();
    const servedMs = this.#options.servedMs?.() ?? 0;
    try {
      const reply = readBatchReply(await this.#decided(queue, batch, servedMs));
      queue.memory.learn(reply, servedMs);
      this.#batchMs += (performance.now() - beganMono - this.#batchMs) * LATEST_WEIGHT;
      resolveAll(batch, reply, queue.verified);
      this.#options.onDecided(queue.router, reply);
    } catch (error) {
      queue.memory.forgetFreshLog();
      queue.memory.forgetLastCall();
      await this.#failed(queue, batch, error);
    }
  }

  /** A batch refused for memory is sent again as one that must not grow: repeats, reads and releases still succeed. */
  async #decided(
    queue: RouterQueue,
    batch: readonly QueuedOperation[],
    servedMs: number,
  ): Promise<readonly Buffer[]> {
    const mayGrow = !batch.every((one) => FLAGS[one.operation].isRead);
    try {
      const request = this.#request(queue, batch, servedMs, false);
      return await this.#options.run(queue.router, request, mayGrow, batch);
    } catch (error) {
      if (!mayGrow || !(error instanceof StoreError) || error.code !== 'store-full') throw error;
      const request = this.#request(queue, batch, servedMs, true);
      return await this.#options.run(queue.router, request, false, batch);
    }
  }

  #request(
    { memory }: RouterQueue,
    batch: readonly QueuedOperation[],
    servedMs: number,
    isFull: boolean,
  ): Buffer {
    const { limits } = this.#options;
    const { sessionsMax, interfacesMax, operatorEventsMax, operatorRetentionMs } = limits;
    return packForScript([
      ...memory.known(this.#options.memoryKeptMs),
      this.#options.eventRetention,
      batch.map(({ call }) => call),
      this.#options.isReplicated ? 1 : 0,
      memory.longestTtlMs,
      isFull ? 1 : 0,
      sessionsMax,
      interfacesMax,
      operatorEventsMax,
      operatorRetentionMs,
      packedCallers(batch),
      memory.mrev,
      limits.entriesMax,
      memory.servedUntil(servedMs),
      limits.routesMax,
      limits.mfesMax,
      memory.frev,
    ]);
  }

  /**
   * A key that is not ours aborts a batch before it has written anything. The operations are then executed one by one, so
   * that only those that need the key fail.
   */
  async #failed(
    queue: RouterQueue,
    batch: readonly QueuedOperation[],
    error: unknown,
  ): Promise<void> {
    if (batch.length > 1 && error instanceof StoreError && error.code === 'corrupt') {
      for (const one of batch) await this.#run(queue, [one]);
      return;
    }
    for (const one of batch) one.reject(error);
  }

  #isIdle(): boolean {
    return this.#queued === 0 && this.#inFlight === 0;
  }

  #notifyIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
