import { Limits } from '@mgm/protocol';
import type { BulkResult, Epoch, InterfaceKey, RefusalFields, Reply } from '@mgm/protocol';
import { MgmError } from './errors.ts';
import type { Call } from './calls.ts';
import { isRefusal } from './replies.ts';
import type { Numbered } from './sequence.ts';

export type Change = 'take' | 'release';

/** One interface to be taken or released, by whatever request. */
export interface Item {
  readonly change: Change;
  readonly key: InterfaceKey;
  /** A take: the epoch under which this client had it until the store lost data. */
  readonly had?: Epoch | undefined;
  /** Items of the same group may share a request. */
  readonly group: number;
  readonly timeoutMs: number;
  readonly deadlineMono: number;
  /** Called at most once. */
  answered(answer: ItemAnswer): void;
}

export type ItemAnswer =
  | { readonly kind: 'done'; readonly epoch: Epoch | undefined }
  | { readonly kind: 'refused'; readonly refusal: RefusalFields }
  /** `abandonedSeq`: the number of the request that was given up, where one was sent. */
  | { readonly kind: 'unanswered'; readonly error: MgmError; readonly abandonedSeq?: number };

/** How a batch gets onto the bus. */
export interface BatchSender {
  /** Whether a request may be sent now. */
  hasRoom(): boolean;
  /** Gives out the number and sends. */
  send(batch: Batch): { readonly numbered: Numbered; readonly call: Call<Change> };
  /** That request is over, answered or given up: `ack` may pass it. */
  finish(seq: number): void;
}

/** The items of one request. */
export interface Batch {
  readonly change: Change;
  readonly items: readonly Item[];
}

interface Sent {
  readonly call: Call<Change>;
  waitingFor: number;
}

/**
 * Puts what is issued in one turn of the event loop into one request of up to 1024 interfaces: it costs NATS, the
 * codec and the manager hardly more than one. No timer: a lone take leaves at the end of its turn; while the window of
 * requests is full, what waits grows into larger ones.
 *
 * A request is one `seq`, but its items belong to different callers. One that gives up drops its item: the request
 * goes on for the others, and its answer still comes, so that what happened is known. When the last one has gone, the
 * request is abandoned.
 */
export class Gather {
  readonly #sender: BatchSender;
  readonly #queues: { readonly [Name in Change]: Set<Item> } = {
    take: new Set(),
    release: new Set(),
  };
  readonly #sent = new Map<Item, Sent>();
  #isFlushing = false;

  constructor(sender: BatchSender) {
    this.#sender = sender;
  }

  add(item: Item): void {
    this.#queues[item.change].add(item);
    this.#flushSoon();
  }

  isSent(item: Item): boolean {
    return this.#sent.has(item);
  }

  /** What giving up on this item would have to be called now; `undefined` while it was not sent. */
  failure(item: Item, why: 'timeout' | 'aborted'): MgmError | undefined {
    return this.#sent.get(item)?.call.failure(why);
  }

  /**
   * Nobody wants this item any more. One that was not sent is taken out and never answered; one that was is answered when
   * its request is, and that one is abandoned when nobody wants any of its items.
   */
  drop(item: Item, why: 'timeout' | 'aborted'): void {
    const sent = this.#sent.get(item);
    if (!sent) this.#queues[item.change].delete(item);
    else if (--sent.waitingFor === 0) sent.call.abandon(why);
  }

  /** A request may have become possible. */
  flush(): void {
    while (this.#sender.hasRoom()) {
      const batch = this.#cut('release') ?? this.#cut('take');
      if (!batch) return;
      void this.#send(batch);
    }
  }

  /** Answers everything with this error, sent or not. */
  end(error: MgmError): void {
    const calls = new Set([...this.#sent.values()].map(({ call }) => call));
    const items = [...this.#queues.release, ...this.#queues.take, ...this.#sent.keys()];
    this.#queues.release.clear();
    this.#queues.take.clear();
    this.#sent.clear();
    for (const item of items) item.answered({ kind: 'unanswered', error });
    for (const call of calls) call.abandon('aborted');
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  #cut(change: Change): Batch | undefined {
    const queue = this.#queues[change];
    const items: Item[] = [];
    for (const item of queue) {
      if (items.length === Limits.bulk || (items[0] && items[0].group !== item.group)) break;
      items.push(item);
      queue.delete(item);
    }
    return items.length > 0 ? { change, items } : undefined;
  }

  async #send(batch: Batch): Promise<void> {
    const { numbered, call } = this.#sender.send(batch);
    const sent: Sent = { call, waitingFor: batch.items.length };
    for (const item of batch.items) this.#sent.set(item, sent);
    const answers = await answersOf(batch, call, numbered.seq);
    this.#sender.finish(numbered.seq);
    let at = 0;
    for (const item of batch.items) {
      const answer = answers(at++);
      if (this.#sent.has(item)) item.answered(answer);
      this.#sent.delete(item);
    }
    this.flush();
  }
}

type AnswerAt = (at: number) => ItemAnswer;

async function answersOf(batch: Batch, call: Call<Change>, seq: number): Promise<AnswerAt> {
  try {
    const { reply } = await call.answer;
    return readAnswers(batch, reply);
  } catch (error) {
    if (!(error instanceof MgmError)) throw error;
    return () => ({ kind: 'unanswered', error, abandonedSeq: seq });
  }
}

function readAnswers(batch: Batch, reply: Reply<Change>): AnswerAt {
  if (isRefusal(reply)) return () => ({ kind: 'refused', refusal: reply });
  const results: readonly BulkResult[] =
    batch.items.length === 1 ? [{ ...reply, status: 0 }] : (reply.results ?? []);
  return (at) => readResult(results[at], batch.change);
}

function readResult(result: BulkResult | undefined, change: Change): ItemAnswer {
  if (!result) return { kind: 'unanswered', error: badAnswer(change, 'has too few results') };
  if (isRefusal(result)) return { kind: 'refused', refusal: result };
  if (change === 'take' && !result.epoch) {
    return { kind: 'unanswered', error: badAnswer(change, 'has no epoch') };
  }
  return { kind: 'done', epoch: result.epoch };
}

function badAnswer(operation: Change, fault: string): MgmError {
  return new MgmError(`the answer to \`${operation}\` ${fault}`, {
    reason: 'bad-reply',
    outcome: 'unknown',
    operation,
  });
}
