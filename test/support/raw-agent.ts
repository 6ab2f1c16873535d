import { setTimeout as passes } from 'node:timers/promises';
import type { Subscription } from '@mgm/nats';
import { unpack, type Fields } from './raw-codec.ts';
import { flowKey, isBefore } from './flow-order.ts';
import type { Head, Item, Mfe, MfeMessage, Op } from './raw-operations.ts';
import type { Accepted, Refusal } from './raw-replies.ts';
import type { RawRouter } from './raw-client.ts';

/** How long `head.frev` may be above the own one before the log is read. */
const BEHIND_MS = 1_000;
/** Far above the time that managers need to serve again. */
const ANSWER_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 50;

/** What becomes of pushes on their way: none for a loss, the same twice for a repeat. */
export type Delivery = (push: MfeMessage) => readonly MfeMessage[];

export interface AgentOptions {
  readonly deliver?: Delivery;
  /** The `limit` of `mfe.list` and `fib`. */
  readonly limit?: number;
}

/** A page of `mfe.list`: entries up to this one are as of its `frev`. */
interface Page {
  readonly upTo: Pick<Mfe, 'group' | 'source'> | undefined;
  readonly frev: number;
}

/**
 * A forwarder agent, written from section 8.2 of the forwarding contract alone: attach, apply, gap and epoch check. Its table
 * is the forwarding plane.
 *
 * States: detached → attached by `attach`; attached → detached by `detach`, which keeps the table and its position. While
 * attached everything that arrives is handled one after the other, so pushes wait for a read of the log or a walk.
 */
export class RawAgent {
  readonly router: RawRouter;
  /** By `flowKey`. */
  readonly table = new Map<string, Mfe>();
  frev = 0;
  log: string | undefined;
  /** How often the agent read the log, and walked all entries. */
  readonly counts = { gaps: 0, walks: 0, refusedEpochs: 0 };
  readonly #epochs = new Map<string, bigint>();
  readonly #deliver: Delivery;
  readonly #limit: number;
  #pages: readonly Page[] = [];
  #subscriptions: readonly Subscription[] = [];
  #work: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #behind: NodeJS.Timeout | undefined;

  constructor(router: RawRouter, { deliver = (push) => [push], limit = 100 }: AgentOptions = {}) {
    this.router = router;
    this.#deliver = deliver;
    this.#limit = limit;
  }

  /** Resolves when the table is as of some `frev`; from then on it follows. */
  async attach(): Promise<void> {
    const { nats, prefix, name } = this.router;
    const follow = (tail: string, take: (bytes: Uint8Array) => void): Subscription =>
      nats.subscribe(`${prefix}.${name}.${tail}`, {
        callback: (error, { data }) => (error ? this.#fail(error) : take(data)),
      });
    this.#enqueue(() => this.#catchUp());
    this.#subscriptions = [
      follow('mfe', (bytes) => this.#receive(unpack(bytes) as MfeMessage)),
      follow('head', (bytes) => this.#hear(unpack(bytes) as Head)),
    ];
    await this.idle();
  }

  /** Cut off: nothing arrives any more. What has arrived is handled. */
  async detach(): Promise<void> {
    for (const one of this.#subscriptions) one.unsubscribe();
    this.#subscriptions = [];
    clearTimeout(this.#behind);
    this.#behind = undefined;
    await this.idle();
  }

  /** Resolves when everything that has arrived is handled. @throws what went wrong meanwhile */
  async idle(): Promise<void> {
    for (let work; work !== this.#work;) await (work = this.#work);
    if (this.#failure) throw this.#failure;
  }

  /** Removes all entries and forgets its position: the last contact is too long ago. The next head makes it attach again. */
  flush(): void {
    this.table.clear();
    this.log = undefined;
    this.frev = 0;
  }

  #enqueue(work: () => Promise<void> | void): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  // What arrives.

  #receive(push: MfeMessage): void {
    for (const one of this.#deliver(push)) this.#enqueue(() => this.#take(one));
  }

  async #take(push: MfeMessage): Promise<void> {
    if (this.log === undefined || push.first > this.frev + 1) await this.#closeGap();
    this.#apply(push);
  }

  #hear({ frev, log }: Head): void {
    if (log !== this.log) this.#enqueue(() => this.#followLog(log));
    if (frev <= this.frev || this.#behind) return;
    this.#behind = setTimeout(() => {
      this.#behind = undefined;
      this.#enqueue(async () => {
        if (this.frev < frev) await this.#closeGap();
      });
    }, BEHIND_MS);
  }

  /** A head of another log. It may have been on its way while the agent attached to that log. */
  async #followLog(log: string): Promise<void> {
    if (log !== this.log) await this.#catchUp();
  }

  // Attach and gap.

  async #catchUp(): Promise<void> {
    await this.#subscribed();
    if (this.log === undefined) return await this.#walk();
    await this.#closeGap();
  }

  /** Resolves when the subscriptions have reached the server; a lost connection makes them anew. */
  async #subscribed(): Promise<void> {
    const lastMono = performance.now() + ANSWER_WITHIN_MS;
    for (;;) {
      try {
        return await this.router.nats.flush();
      } catch (error) {
        if (performance.now() > lastMono) throw error;
      }
      await passes(ASK_AGAIN_MS);
    }
  }

  async #closeGap(): Promise<void> {
    this.counts.gaps++;
    for (;;) {
      const reply = await this.#ask('fib', { from: this.frev, limit: this.#limit });
      if (reply.status !== 0) {
        if (reply.reason === 'compacted') return await this.#walk();
        throw new Error(`fib: ${JSON.stringify(reply)}`);
      }
      if (reply.log !== this.log) return await this.#walk();
      for (const change of reply.changes) {
        if (change.first > this.frev + 1) throw new Error(`a gap in fib before ${change.first}`);
        this.#apply(change);
      }
      if (this.frev >= reply.head) return;
      if (reply.changes.length === 0) throw new Error(`fib ends at ${this.frev}`);
    }
  }

  /** Replaces the table by all pages of `mfe.list`, and goes on with the log behind the first one. */
  async #walk(): Promise<void> {
    this.counts.walks++;
    const pages: Page[] = [];
    const listed: Mfe[] = [];
    let log: string | undefined;
    for (let cursor: unknown; ;) {
      const reply = await this.#ask('mfe.list', { cursor, limit: this.#limit });
      if (reply.status !== 0) throw new Error(`mfe.list: ${JSON.stringify(reply)}`);
      log ??= reply.log;
      if (log !== reply.log) return await this.#walk();
      listed.push(...reply.items);
      cursor = reply.cursor;
      pages.push({ upTo: cursor === undefined ? undefined : reply.items.at(-1), frev: reply.frev });
      if (cursor === undefined) break;
    }
    this.table.clear();
    for (const mfe of listed) this.#set(mfe);
    this.#pages = pages;
    this.log = log;
    this.frev = pages[0]?.frev ?? 0;
    await this.#closeGap();
  }

  // Apply.

  #apply({ first, last, items }: MfeMessage): void {
    if (last - first + 1 !== items.length)
      throw new Error(`push ${first} to ${last} has ${items.length} items`);
    for (const [at, item] of items.entries()) {
      const number = first + at;
      if (number <= this.frev) continue;
      this.frev = number;
      this.#applyItem(item, number);
    }
  }

  #applyItem(item: Item, number: number): void {
    const [kind] = item;
    if (kind === 'set') {
      const mfe = item[1] as Mfe;
      if (number > this.#listedAt(mfe)) this.#set(mfe);
      return;
    }
    if (kind !== 'del') return;
    const [, group, source, incarnation] = item as readonly [string, string, string, number];
    const key = flowKey({ group, source });
    const present = this.table.get(key);
    if (!present || number <= this.#listedAt({ group, source })) return;
    if (present.incarnation <= incarnation) this.table.delete(key);
  }

  #set(mfe: Mfe): void {
    const key = flowKey(mfe);
    if ((this.table.get(key)?.incarnation ?? 0) > mfe.incarnation) return;
    const iif = `${mfe.ifIndex} ${mfe.nextHop}`;
    const epoch = BigInt(mfe.iifEpoch);
    if (epoch < (this.#epochs.get(iif) ?? 0n)) {
      this.counts.refusedEpochs++;
      return;
    }
    this.#epochs.set(iif, epoch);
    this.table.set(key, mfe);
  }

  /** The `frev` of the page on which an entry was, or would have been. */
  #listedAt(flow: Pick<Mfe, 'group' | 'source'>): number {
    const page = this.#pages.find(({ upTo }) => upTo === undefined || !isBefore(upTo, flow));
    return page?.frev ?? 0;
  }

  /** Repeats a read until a manager answers it. */
  async #ask<Name extends Op>(op: Name, fields: Fields): Promise<Accepted<Name> | Refusal> {
    const lastMono = performance.now() + ANSWER_WITHIN_MS;
    for (;;) {
      try {
        const reply = await this.router.request(op, fields);
        const isTemporary = reply.status !== 0 && reply.retryable === true;
        if (!isTemporary || performance.now() > lastMono) return reply;
      } catch (error) {
        if (performance.now() > lastMono) throw error;
      }
      await passes(ASK_AGAIN_MS);
    }
  }
}
