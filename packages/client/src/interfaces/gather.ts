import type { BulkResult, Epoch, InterfaceKey, RefusalFields, Reply } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import type { Call } from '../rpc/calls.ts';
import { isRefusal } from '../rpc/replies.ts';
import { Roll, type RollMember } from '../rpc/roll.ts';
import type { Numbered } from './sequence.ts';

export type Change = 'take' | 'release';

/**
 * Interfaces of one request. It could have 1024, and would cost hardly less each; but then of so many under way this process,
 * the manager and the store would only ever work in turn. Of smaller ones each has something to do.
 */
const REQUEST_ITEMS = 256;

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
  /** The gatherer's own: the request that it went out with, or that nobody wants it any more. */
  request?: SentRequest | 'dropped' | undefined;
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
  /** The request of this number, on so many interfaces, is over, answered or given up: `ack` may pass it. */
  finish(seq: number, interfaces: number): void;
}

/** The items of one request. */
export interface Batch {
  readonly change: Change;
  readonly items: readonly Item[];
}

interface SentRequest extends RollMember {
  readonly call: Call<Change>;
  readonly items: readonly Item[];
  /** How many of them somebody still wants. */
  waitingFor: number;
}

/**
 * Puts what is issued in one turn of the event loop into one request of up to 256 interfaces: it costs NATS, the
 * codec and the manager hardly more than one. No timer: a lone take leaves at the end of its turn; while the window of
 * requests is full, what waits grows into larger ones.
 *
 * A request is one `seq`, but its items belong to different callers. One that gives up drops its item: the request
 * goes on for the others, and its answer still comes, so that what happened is known. When the last one has gone, the
 * request is abandoned.
 */
export class Gather {
  readonly #sender: BatchSender;
  readonly #queues = { take: new Queue(), release: new Queue() };
  readonly #sent = new Roll<SentRequest>();
  #isFlushing = false;

  constructor(sender: BatchSender) {
    this.#sender = sender;
  }

  add(item: Item): void {
    this.#queues[item.change].push(item);
    this.#flushSoon();
  }

  isSent(item: Item): boolean {
    return requestOf(item) !== undefined;
  }

  /** What giving up on this item would have to be called now; `undefined` while it was not sent. */
  failure(item: Item, why: 'timeout' | 'aborted'): MgmError | undefined {
    return requestOf(item)?.call.failure(why);
  }

  /**
   * Nobody wants this item any more. One that was not sent is never sent nor answered; one that was is answered when its
   * request is, and that one is abandoned when nobody wants any of its items.
   */
  drop(item: Item, why: 'timeout' | 'aborted'): void {
    const sent = requestOf(item);
    if (!sent) item.request = 'dropped';
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
    const requests = [...this.#sent];
    for (const sent of requests) this.#sent.delete(sent);
    const waiting = [...this.#queues.release.takeAll(), ...this.#queues.take.takeAll()];
    for (const item of [...waiting, ...requests.flatMap(({ items }) => items)]) {
      item.request = 'dropped';
      item.answered({ kind: 'unanswered', error });
    }
    for (const { call } of requests) call.abandon('aborted');
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
    const items = this.#queues[change].cut(REQUEST_ITEMS);
    return items.length > 0 ? { change, items } : undefined;
  }

  async #send(batch: Batch): Promise<void> {
    const { items } = batch;
    const { numbered, call } = this.#sender.send(batch);
    const sent: SentRequest = { call, items, waitingFor: items.length };
    this.#sent.add(sent);
    for (const item of items) item.request = sent;
    const answers = await answersOf(batch, call, numbered.seq);
    this.#sender.finish(numbered.seq, items.length);
    let at = 0;
    for (const item of items) {
      const answer = answers(at++);
      if (item.request !== sent) continue;
      item.request = undefined;
      item.answered(answer);
    }
    this.#sent.delete(sent);
    this.flush();
  }
}

function requestOf({ request }: Item): SentRequest | undefined {
  return request === 'dropped' ? undefined : request;
}

/** Items in the order in which they came, those that were dropped left out. */
class Queue {
  #items: Item[] = [];

  push(item: Item): void {
    this.#items.push(item);
  }

  takeAll(): Item[] {
    return this.#items.splice(0).filter(isWanted);
  }

  /** The first ones of one group, so many at most. */
  cut(most: number): Item[] {
    const cut: Item[] = [];
    let at = 0;
    for (; at < this.#items.length && cut.length < most; at++) {
      const item = this.#items[at];
      if (!item || !isWanted(item)) continue;
      if (cut[0] && cut[0].group !== item.group) break;
      cut.push(item);
    }
    this.#items = this.#items.slice(at);
    return cut;
  }
}

function isWanted({ request }: Item): boolean {
  return request !== 'dropped';
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
