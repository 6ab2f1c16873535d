/** An item of a {@link FairQueue}. */
export interface QueueItem {
  /** Its position in the order of arrival. */
  readonly arrival: number;
  /** The flow it belongs to: items of one flow keep their order, and flows take turns. */
  readonly flow: string;
  /** Served before all flows when the queue is crowded. */
  readonly isHighPriority: boolean;
  /** Gets a batch of its own. */
  readonly isExclusive: boolean;
  readonly weight: number;
}

/** Empty flows kept in the map before it is cleaned: a map that gains and loses a key per item leaves garbage behind. */
const EMPTY_FLOWS_MAX = 256;

/**
 * A queue of flows. When more items wait than one batch takes, flows take turns with one item each, so a session with a
 * thousand requests delays itself and not the others, and high-priority items go first. Otherwise, and within a batch, items
 * are in the order of arrival.
 */
export class FairQueue<Item extends QueueItem> {
  readonly #highPriority = new Fifo<Item>();
  readonly #flows = new Map<string, Fifo<Item>>();
  /** The flows that are not empty; the first one is served next. */
  readonly #ring = new Fifo<Fifo<Item>>();
  #length = 0;
  #weight = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(flow: string): number {
    return this.#flows.get(flow)?.length ?? 0;
  }

  push(item: Item): void {
    this.#length++;
    this.#weight += item.weight;
    if (item.isHighPriority) return this.#highPriority.push(item);
    const flow = this.#flowOf(item);
    if (flow.length === 0) this.#ring.push(flow);
    flow.push(item);
  }

  /** Takes the next items, of at most this total weight but at least one; none when the queue is empty. */
  take(maxWeight: number): Item[] {
    if (this.#weight <= maxWeight) return this.#takeByArrival();
    const taken: Item[] = [];
    let weight = 0;
    for (let item = this.#next(); item; item = this.#next()) {
      if (taken.length > 0 && (item.isExclusive || weight + item.weight > maxWeight)) break;
      this.#serve(item);
      taken.push(item);
      weight += item.weight;
      if (item.isExclusive) break;
    }
    return taken.sort(byArrival);
  }

  takeAll(): Item[] {
    const lines = [this.#highPriority, ...this.#ring.all()];
    const all = lines.flatMap((line) => line.all()).sort(byArrival);
    for (const line of [...lines, this.#ring]) line.clear();
    this.#length = this.#weight = 0;
    return all;
  }

  #takeByArrival(): Item[] {
    const all = this.takeAll();
    const exclusiveAt = all.findIndex(({ isExclusive }) => isExclusive);
    const end = exclusiveAt < 0 ? all.length : Math.max(exclusiveAt, 1);
    for (const item of all.slice(end)) this.push(item);
    return all.slice(0, end);
  }

  #next(): Item | undefined {
    return this.#highPriority.first ?? this.#ring.first?.first;
  }

  /** Removes the item that {@link #next} gave; its flow goes to the end of the ring. */
  #serve(item: Item): void {
    this.#length--;
    this.#weight -= item.weight;
    if (item.isHighPriority) {
      this.#highPriority.shift();
      return;
    }
    const flow = this.#ring.shift();
    flow?.shift();
    if (flow?.first) this.#ring.push(flow);
  }

  #flowOf({ flow: key }: Item): Fifo<Item> {
    let flow = this.#flows.get(key);
    if (!flow) {
      if (this.#flows.size > EMPTY_FLOWS_MAX + 2 * this.#ring.length) this.#dropEmptyFlows();
      this.#flows.set(key, (flow = new Fifo<Item>()));
    }
    return flow;
  }

  #dropEmptyFlows(): void {
    for (const [key, { length }] of this.#flows) if (length === 0) this.#flows.delete(key);
  }
}

function byArrival(one: QueueItem, other: QueueItem): number {
  return one.arrival - other.arrival;
}

/** First in, first out. Served items are cut off once they are half of the array. */
class Fifo<Item> {
  readonly #items: (Item | undefined)[] = [];
  #served = 0;

  get length(): number {
    return this.#items.length - this.#served;
  }

  get first(): Item | undefined {
    return this.#items[this.#served];
  }

  all(): Item[] {
    return this.#items.filter((item) => item !== undefined);
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.first;
    if (this.length === 0) return undefined;
    this.#items[this.#served++] = undefined;
    if (this.#served * 2 < this.#items.length) return item;
    this.#items.splice(0, this.#served);
    this.#served = 0;
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#served = 0;
  }
}

/** How full the queue of a manager is. */
export interface QueueState {
  /** Operations that may be queued. */
  readonly max: number;
  /** Queued operations: in total, of the router in question, and of the flow in question. */
  readonly queued: number;
  readonly ofRouter: number;
  readonly ofFlow: number;
}

/**
 * The share of the free room that one router, or one flow, may occupy: the fuller the queue, the less. No router or session
 * can fill the queue alone, and one that has nothing queued finds room.
 */
const ROUTER_SHARE = 4;
const FLOW_SHARE = 1;

/** Whether one more operation may be queued. */
export function hasRoom({ max, queued, ofRouter, ofFlow }: QueueState): boolean {
  const free = max - queued;
  return free > 0 && ofRouter < free * ROUTER_SHARE && ofFlow < free * FLOW_SHARE;
}

/** Whether one more high-priority operation may be queued: up to twice as many in total. */
export function hasHighPriorityRoom({ max, queued }: Pick<QueueState, 'max' | 'queued'>): boolean {
  return queued < 2 * max;
}

/** A shorter delay would only add load; a longer one cannot be predicted. */
const RETRY_MIN_MS = 20;
const RETRY_MAX_MS = 2000;

/** When to retry, in ms: once the operations queued now are decided, at the present rate. */
export function retryAfterMs(queued: number, perRound: number, batchMs: number): number {
  const ms = Math.ceil(queued / perRound) * batchMs;
  return Math.round(Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, ms)));
}
