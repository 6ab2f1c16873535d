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

/**
 * A queue in which flows take turns, one item each, as soon as more waits than can be taken at once: who sends a thousand
 * requests waits for them itself, and not who sends one. What is urgent then goes first. Among what is taken together, and
 * while there is no crowd, the order is the order of arrival.
 */
export class FairQueue<Item extends Turn> {
  readonly #urgent = new Line<Item>();
  readonly #lines = new Map<number, Line<Item>>();
  /**
   * Where the round stands, in a crowd; new lines come in at its end. Not kept beyond it: an iterator that rests holds every
   * table that its `Map` has had since.
   */
  #round: MapIterator<Line<Item>> | undefined;
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
      this.#round ??= this.#lines.values();
      const { value, done } = this.#round.next();
      if (done) this.#round = undefined;
      else this.#line = value;
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
    if (line.length === 0) this.#lines.delete(item.flow);
    this.#line = undefined;
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
