import type { RouterName } from '@mgm/protocol';
import { hasRoom, hasUrgentRoom, retryAfterMs } from './admission.ts';
import { readBatchReply, type BatchReply } from './batch-reply.ts';
import { FairQueue, type Turn } from './fair-queue.ts';
import {
  decode,
  encode,
  ALONE,
  READS,
  type ArbiterArgs,
  type ArbiterOperation,
  type ArbiterReplies,
} from './generated/arbiter.ts';
import { inColumns } from './columns.ts';
import { packForScript } from './packing.ts';
import { integer } from './reply-reader.ts';
import { DELAY_TOLERANT, HIGH_PRIORITY } from './requests.ts';
import { RouterMemory } from './router-memory.ts';
import { StoreError } from './store-error.ts';

/** What a decided operation answered. */
export interface Decision<Name extends ArbiterOperation> {
  readonly reply: ArbiterReplies[Name];
  readonly rev: number;
  readonly batch: BatchReply;
}

export interface BatcherOptions {
  /** Operations of one call; an operation on several interfaces counts as that many. */
  readonly batchMax: number;
  /** Operations that may wait, over all routers; urgent ones up to as many again. */
  readonly queueMax: number;
  readonly eventRetention: number;
  /** Whether `run` answers only what replicas have. Default false. */
  readonly isReplicated?: boolean;
  /** `mayGrow`: Redis is to refuse it when it is full. */
  readonly run: (
    router: RouterName,
    request: Buffer,
    mayGrow: boolean,
  ) => Promise<readonly Buffer[]>;
  /** Called after the operations of a batch were answered. */
  readonly onDecided: (router: RouterName, batch: BatchReply) => void;
}

interface Waiting extends Turn {
  readonly operation: ArbiterOperation;
  readonly call: readonly unknown[];
  /** On this process's monotonic clock: not worth sending after it. */
  readonly deadlineMono: number;
  /** What of the decision is wanted. */
  readonly read: (decision: Decision<ArbiterOperation>) => unknown;
  readonly resolve: (read: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface RouterQueue {
  readonly router: RouterName;
  readonly memory: RouterMemory;
  readonly waiting: FairQueue<Waiting>;
  inFlight: number;
  sentMono: number;
  /** Operations that somebody waited for, in the mean of the last calls. */
  operationsPerCall: number;
  /** Runs while nothing waits but what is patient. */
  patience: NodeJS.Timeout | undefined;
}

/** Calls of one router under way at once: one is decided while the next is on its way; what comes meanwhile gathers. */
const IN_FLIGHT_MAX = 4;

/** For how long, in ms, after the call before; the first after a pause leaves at once. */
const PATIENCE_MS = 50;

/** What must be decided within this time is not kept waiting. */
const HURRY_MS = 10 * PATIENCE_MS;

/** The part of the last call in a mean of them. */
const LAST_CALL = 0.2;

/**
 * Gathers the operations that arrive in one turn of the event loop into one call of the arbiter per router, in the order
 * of their arrival. Alone, an operation leaves at the end of its turn; under load, batches fill up while earlier ones are
 * under way, sessions take turns, and what is too much is refused at once. Keepalives alone have patience: of many
 * sessions, they would cost a call and two writes to sockets each.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #queues = new Map<RouterName, RouterQueue>();
  readonly #due = new Set<RouterQueue>();
  #arrivals = 0;
  #waiting = 0;
  #underWay = 0;
  #callMs = 1;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Decides one operation, unless its turn comes after `withinMs`. Rejects with `StoreError`. */
  decide<Name extends ArbiterOperation>(
    router: RouterName,
    operation: Name,
    args: ArbiterArgs[Name],
    withinMs?: number,
  ): Promise<Decision<Name>> {
    return this.ask(router, operation, args, (decision) => decision, withinMs);
  }

  /** The same, and answers what `read` makes of the decision: one promise for both. */
  ask<Name extends ArbiterOperation, Result>(
    router: RouterName,
    operation: Name,
    args: ArbiterArgs[Name],
    read: (decision: Decision<Name>) => Result,
    withinMs = Number.POSITIVE_INFINITY,
  ): Promise<Result> {
    const flow = flowOf(operation, args);
    const isUrgent = HIGH_PRIORITY.has(operation);
    if (!this.#hasRoom(router, flow, isUrgent)) return Promise.reject(this.#overloaded());
    const queue = this.#queueOf(router);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const call = encode[operation](args);
    queue.waiting.push({
      arrival: this.#arrivals++,
      flow,
      isUrgent,
      isAlone: ALONE.has(operation),
      weight: weightOf(call),
      operation,
      call,
      deadlineMono: performance.now() + withinMs,
      read: read as never,
      resolve: resolve as never,
      reject,
    });
    this.#waiting++;
    if (DELAY_TOLERANT.has(operation) && withinMs > HURRY_MS) this.#sendInTime(queue);
    else this.#sendSoon(queue);
    return promise;
  }

  /** How many operations that somebody waited for a call of this router carried, in the mean of the last ones. */
  operationsPerCall(router: RouterName): number {
    return this.#queues.get(router)?.operationsPerCall ?? 0;
  }

  /** Fails what has not been sent; what is under way ends by itself. */
  refuseWaiting(error: StoreError): void {
    for (const queue of this.#queues.values()) {
      this.#waiting -= queue.waiting.length;
      for (const one of queue.waiting.takeAll()) one.reject(error);
    }
    this.#tellIdle();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #hasRoom(router: RouterName, flow: number, isUrgent: boolean): boolean {
    const manager = { most: this.#options.queueMax, waiting: this.#waiting };
    if (isUrgent) return hasUrgentRoom(manager);
    const of = this.#queues.get(router)?.waiting;
    return hasRoom({ ...manager, ofRouter: of?.length ?? 0, ofSession: of?.lengthOf(flow) ?? 0 });
  }

  #overloaded(): StoreError {
    const atOnce = this.#options.batchMax * IN_FLIGHT_MAX;
    return new StoreError('overloaded', `${this.#waiting} operations are waiting for the store`, {
      retryAfterMs: retryAfterMs(this.#waiting, atOnce, this.#callMs),
    });
  }

  #queueOf(router: RouterName): RouterQueue {
    let queue = this.#queues.get(router);
    if (!queue) {
      const memory = new RouterMemory();
      queue = {
        router,
        memory,
        waiting: new FairQueue(),
        inFlight: 0,
        sentMono: -Infinity,
        operationsPerCall: 0,
        patience: undefined,
      };
      this.#queues.set(router, queue);
    }
    return queue;
  }

  /** For what is patient. Where something waits that is not, both go together. */
  #sendInTime(queue: RouterQueue): void {
    const { waiting, patience, sentMono } = queue;
    const leftMs = sentMono + PATIENCE_MS - performance.now();
    if (patience ? waiting.length < this.#options.batchMax : waiting.length === 1 && leftMs > 0) {
      queue.patience ??= setTimeout(() => this.#sendSoon(queue), leftMs);
    } else this.#sendSoon(queue);
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
    clearTimeout(queue.patience);
    queue.patience = undefined;
    while (queue.waiting.length > 0 && queue.inFlight < IN_FLIGHT_MAX) {
      const taken = queue.waiting.take(this.#options.batchMax);
      this.#waiting -= taken.length;
      const batch = withoutLate(taken);
      if (batch.length === 0) continue;
      noteSize(queue, batch);
      queue.inFlight++;
      queue.sentMono = performance.now();
      this.#underWay++;
      void this.#run(queue, batch).finally(() => this.#ended(queue));
    }
    this.#tellIdle();
  }

  #ended(queue: RouterQueue): void {
    queue.inFlight--;
    this.#underWay--;
    const { waiting, inFlight, patience, memory } = queue;
    if (waiting.length > 0 && !patience) this.#sendFrom(queue);
    // A router that nobody uses leaves no trace here either, however many names are tried.
    else if (waiting.length === 0 && inFlight === 0 && memory.isEmpty) {
      this.#queues.delete(queue.router);
    }
    this.#tellIdle();
  }

  /** Never rejects: each operation of the batch is answered or failed. */
  async #run(queue: RouterQueue, batch: readonly Waiting[]): Promise<void> {
    const beganMono = performance.now();
    try {
      const reply = readBatchReply(await this.#decided(queue, batch));
      queue.memory.learn(reply);
      this.#callMs += (performance.now() - beganMono - this.#callMs) * LAST_CALL;
      answer(batch, reply);
      this.#options.onDecided(queue.router, reply);
    } catch (error) {
      queue.memory.unsure();
      await this.#failed(queue, batch, error);
    }
  }

  /** What a full store refuses whole is asked again: some of it may be answered all the same. */
  async #decided(queue: RouterQueue, batch: readonly Waiting[]): Promise<readonly Buffer[]> {
    const mayGrow = !batch.every((one) => READS.has(one.operation));
    try {
      return await this.#options.run(queue.router, this.#request(queue, batch, false), mayGrow);
    } catch (error) {
      if (!mayGrow || !(error instanceof StoreError) || error.code !== 'store-full') throw error;
      return await this.#options.run(queue.router, this.#request(queue, batch, true), false);
    }
  }

  #request({ memory }: RouterQueue, batch: readonly Waiting[], isFull: boolean): Buffer {
    return packForScript([
      ...memory.known(),
      this.#options.eventRetention,
      inColumns(batch),
      this.#options.isReplicated ? 1 : 0,
      memory.longestTtlMs,
      isFull ? 1 : 0,
    ]);
  }

  /**
   * A key that is not ours stops a batch before it has written anything. Its operations are then tried one by one, so
   * that the key hurts only those who ask for it.
   */
  async #failed(queue: RouterQueue, batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length > 1 && error instanceof StoreError && error.code === 'corrupt') {
      for (const one of batch) await this.#run(queue, [one]);
      return;
    }
    for (const one of batch) one.reject(error);
  }

  #isIdle(): boolean {
    return this.#waiting === 0 && this.#underWay === 0;
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function noteSize(queue: RouterQueue, batch: readonly Waiting[]): void {
  const awaited = batch.reduce((count, { isUrgent }) => count + (isUrgent ? 0 : 1), 0);
  if (awaited > 0) queue.operationsPerCall += (awaited - queue.operationsPerCall) * LAST_CALL;
}

/** Whose turn it is: a session's, or that of all who have none. */
function flowOf<Name extends ArbiterOperation>(operation: Name, args: ArbiterArgs[Name]): number {
  if ('handle' in args) return args.handle.session;
  return operation === 'register' ? REGISTERING : ASKING;
}

const ASKING = -1;
const REGISTERING = -2;

/** Interfaces of a call, or 1. Its handle is a list, too. */
function weightOf(call: readonly unknown[]): number {
  let weight = 1;
  for (let at = 2; at < call.length; at++) {
    const part = call[at];
    if (Array.isArray(part) && part.length > weight) weight = part.length;
  }
  return weight;
}

/** Refuses those whose time is over before they were sent. */
function withoutLate(taken: Waiting[]): Waiting[] {
  const nowMono = performance.now();
  if (taken.every((one) => one.deadlineMono > nowMono)) return taken;
  return taken.filter((one) => {
    if (one.deadlineMono > nowMono) return true;
    one.reject(new StoreError('unavailable', 'its deadline passed before it was executed'));
    return false;
  });
}

function answer(batch: readonly Waiting[], reply: BatchReply): void {
  for (let at = 0; at < batch.length; at++) {
    const one = batch[at];
    if (!one) return;
    try {
      if (at >= reply.replies.length)
        throw new StoreError('indeterminate', 'the script answered fewer operations than asked');
      const rev = integer(reply.revs[at]);
      const decided = { reply: decode[one.operation](reply.replies[at]), rev, batch: reply };
      one.resolve(one.read(decided));
    } catch (error) {
      one.reject(error);
    }
  }
}
