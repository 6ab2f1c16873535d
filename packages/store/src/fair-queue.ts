/** What waits for its turn. */
export interface Turn {
  /** Whose it is: those of one flow keep their order, and flows take turns. */
  readonly flow: number;
  /** Goes before all flows. */
  readonly isUrgent: boolean;
  /** Neither follows nor is followed by another in what is taken at once. */
  readonly isAlone: boolean;
  readonly weight: number;
}

/**
 * A queue in which flows take turns, one item each: who sends a thousand requests waits for them itself, and not who sends
 * one. What is urgent goes first, in its own order.
 */
export class FairQueue<Item extends Turn> {
  readonly #urgent = new Line<Item>();
  readonly #lines = new Map<number, Line<Item>>();
  /** Where the round stands; new lines come in at its end. */
  #round = this.#lines.values();
  /** The line whose turn it is. */
  #line: Line<Item> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  lengthOf(flow: number): number {
    return this.#lines.get(flow)?.length ?? 0;
  }

  push(item: Item): void {
    this.#length++;
    if (item.isUrgent) return this.#urgent.push(item);
    let line = this.#lines.get(item.flow);
    if (!line) this.#lines.set(item.flow, (line = new Line<Item>()));
    line.push(item);
  }

  /** The next items of at most this weight together, but at least one; none when nothing waits. */
  take(most: number): Item[] {
    const taken: Item[] = [];
    let weight = 0;
    for (let line = this.#next(); line; line = this.#next()) {
      const item = line.first;
      if (!item) break;
      if (taken.length > 0 && (item.isAlone || weight + item.weight > most)) break;
      this.#serve(line, item);
      taken.push(item);
      weight += item.weight;
      if (item.isAlone) break;
    }
    return taken;
  }

  takeAll(): Item[] {
    const all: Item[] = [];
    while (this.#length > 0) all.push(...this.take(Infinity));
    return all;
  }

  #next(): Line<Item> | undefined {
    if (this.#urgent.length > 0) return this.#urgent;
    while (!this.#line && this.#lines.size > 0) {
      const { value, done } = this.#round.next();
      if (done) this.#round = this.#lines.values();
      else this.#line = value;
    }
    return this.#line;
  }

  #serve(line: Line<Item>, { flow }: Item): void {
    this.#length--;
    line.shift();
    if (line === this.#urgent) return;
    if (line.length === 0) this.#lines.delete(flow);
    this.#line = undefined;
  }
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
