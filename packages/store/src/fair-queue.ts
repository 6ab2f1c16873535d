/** What waits for its turn. */
export interface Turn {
  /** Its place in the order of arrival. */
  readonly arrival: number;
  /** Whose it is: those of one flow keep their order, and flows take turns. */
  readonly flow: number;
  /** Goes before all flows, where there is a crowd. */
  readonly isUrgent: boolean;
  /** Neither follows nor is followed by another in what is taken at once. */
  readonly isAlone: boolean;
  readonly weight: number;
}

/** So many lines end before the map of them is left, and more where many are still there: moving those costs time. */
const ENDED_MOST = 256;

/**
 * A queue in which flows take turns, one item each, as soon as more waits than can be taken at once: who sends a thousand
 * requests waits for them itself, and not who sends one. What is urgent then goes first. Among what is taken together, and
 * while there is no crowd, the order is the order of arrival.
 */
export class FairQueue<Item extends Turn> {
  readonly #urgent = new Line<Item>();
  #lines = new Map<number, Line<Item>>();
  /** Lines that have ended since {@link #lines} is a map of its own. */
  #ended = 0;
  /**
   * Where the round stands, in a crowd; new lines come in at its end. Not kept beyond it: an iterator that rests holds every
   * table that its `Map` has had since.
   */
  #round: MapIterator<[number, Line<Item>]> | undefined;
  /** The line whose turn it is. */
  #line: Line<Item> | undefined;
  #length = 0;
  #weight = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(flow: number): number {
    return this.#lines.get(flow)?.length ?? 0;
  }

  push(item: Item): void {
    this.#length++;
    this.#weight += item.weight;
    this.#lineOf(item).push(item);
  }

  /** The next items of at most this weight together, but at least one; none when nothing waits. */
  take(most: number): Item[] {
    const isCrowded = this.#weight > most;
    if (!isCrowded) this.#round = undefined;
    const inTurn = isCrowded ? this.#turns() : this.#arrivals();
    const taken: Item[] = [];
    let weight = 0;
    for (const item of inTurn) {
      if (taken.length > 0 && (item.isAlone || weight + item.weight > most)) break;
      this.#serve(item);
      taken.push(item);
      weight += item.weight;
      if (item.isAlone) break;
    }
    return isCrowded ? taken.sort(byArrival) : taken;
  }

  takeAll(): Item[] {
    const all: Item[] = [];
    while (this.#length > 0) all.push(...this.take(Infinity));
    return all;
  }

  #lineOf({ isUrgent, flow }: Item): Line<Item> {
    if (isUrgent) return this.#urgent;
    let line = this.#lines.get(flow);
    if (!line) this.#lines.set(flow, (line = new Line<Item>()));
    return line;
  }

  #arrivals(): Item[] {
    const lines = [this.#urgent, ...this.#lines.values()];
    return lines.flatMap((line) => line.waiting()).sort(byArrival);
  }

  /** Whose turn it is, each time it is asked: the same again where that one was not served. */
  *#turns(): Generator<Item> {
    for (let line = this.#next(); line; line = this.#next()) {
      const { first } = line;
      if (first) yield first;
    }
  }

  #next(): Line<Item> | undefined {
    if (this.#urgent.length > 0) return this.#urgent;
    while (!this.#line && this.#lines.size > 0) {
      this.#round ??= this.#lines.entries();
      const { value, done } = this.#round.next();
      if (done) this.#round = undefined;
      else this.#line = value[1];
    }
    return this.#line;
  }

  /** The item is the first of its line. */
  #serve(item: Item): void {
    const line = this.#lineOf(item);
    this.#length--;
    this.#weight -= item.weight;
    line.shift();
    if (item.isUrgent) return;
    this.#line = undefined;
    if (line.length === 0) this.#end(item.flow);
  }

  #end(flow: number): void {
    this.#lines.delete(flow);
    this.#ended++;
    if (this.#ended > ENDED_MOST + 2 * this.#lines.size) this.#move();
  }

  /**
   * Leaves the map for another one: each table that a `Map` outgrows points to the next, so that once one of them is old, all
   * later ones stay until the next full collection, with what was in them. Who is still to come in this round comes first.
   */
  #move(): void {
    const inTurn = [...(this.#round ?? []), ...this.#lines];
    this.#lines = new Map(inTurn);
    this.#ended = 0;
    this.#round = undefined;
  }
}

function byArrival(one: Turn, other: Turn): number {
  return one.arrival - other.arrival;
}

/** Served items are dropped together, when there are this many: one by one, each costs a move of all behind it. */
const DROP_SERVED = 1024;

/** First in, first out. */
class Line<Item> {
  #items: Item[] = [];
  #served = 0;

  get length(): number {
    return this.#items.length - this.#served;
  }

  get first(): Item | undefined {
    return this.#items[this.#served];
  }

  waiting(): Item[] {
    return this.#items.slice(this.#served);
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): void {
    this.#served++;
    if (this.#served < DROP_SERVED && this.#served < this.#items.length) return;
    this.#items = this.#items.slice(this.#served);
    this.#served = 0;
  }
}
