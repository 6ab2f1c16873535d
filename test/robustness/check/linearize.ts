/**
 * Whether a concurrent history could have happened one operation after the other, each at some instant between its call and
 * its return: Wing and Gong's search with Lowe's memory of what was tried, in his just-in-time form ("Testing for
 * linearizability", 2017). It walks through the history in time and keeps every configuration that is still possible: a
 * state, and which of the operations under way have taken effect. Only returns are decisions, so memory is bounded by
 * what happens at the same time and not by the length of the history.
 *
 * There is no such library for JavaScript (Porcupine is Go, Knossos Clojure, todc Rust), hence these lines.
 */
export interface Operation<Op> {
  readonly op: Op;
  readonly invokedMono: number;
  /** `Infinity` where nobody knows whether it happened: it may take effect at any later time, or never. */
  readonly returnedMono: number;
}

/** A sequential specification: pure. */
export interface Model<State, Op> {
  readonly initial: State;
  /** The state after the operation with the outcome that it had, or `undefined` where that could not be its outcome here. */
  step(state: State, op: Op): State | undefined;
  /** Whether it changes nothing in any state in which it could have had its outcome. */
  onlyReads(op: Op): boolean;
  /** Equal for equal states only. */
  key(state: State): string;
}

export interface SearchLimits {
  readonly withinMs: number;
  /** Configurations looked at in all. */
  readonly configurations: number;
}

export type Linearizability<State, Op> =
  | { readonly kind: 'ok'; readonly configurations: number }
  | {
      readonly kind: 'violated';
      /** Could not have had its outcome at any instant between call and return. */
      readonly at: Operation<Op>;
      readonly underWay: readonly Operation<Op>[];
      /** The states that were possible before. */
      readonly states: readonly State[];
    }
  | { readonly kind: 'inconclusive'; readonly why: string };

interface Configuration<State> {
  readonly state: State;
  /** Of the operations under way, those that have taken effect. */
  readonly done: ReadonlySet<number>;
}

interface Moment {
  readonly mono: number;
  readonly kind: 'invoked' | 'returned';
  readonly at: number;
}

/** Decides about one object's history. What is over in the same instant counts as concurrent. */
export function linearize<State, Op>(
  model: Model<State, Op>,
  operations: readonly Operation<Op>[],
  limits: SearchLimits,
): Linearizability<State, Op> {
  return new Search(model, operations, limits).run();
}

class Search<State, Op> {
  readonly #model: Model<State, Op>;
  readonly #operations: readonly Operation<Op>[];
  readonly #limits: SearchLimits;
  readonly #endsMono: number;
  readonly #underWay = new Set<number>();
  /** Those of them that only read. */
  readonly #reading = new Set<number>();
  #possible: Configuration<State>[];
  #looked = 0;

  constructor(model: Model<State, Op>, operations: readonly Operation<Op>[], limits: SearchLimits) {
    this.#model = model;
    this.#operations = operations;
    this.#limits = limits;
    this.#endsMono = performance.now() + limits.withinMs;
    this.#possible = [{ state: model.initial, done: new Set() }];
  }

  run(): Linearizability<State, Op> {
    for (const { kind, at } of momentsOf(this.#operations)) {
      if (kind === 'invoked') {
        this.#invoke(at);
        continue;
      }
      const before = this.#possible;
      this.#possible = this.#return(at);
      if (this.#isTooLong()) return { kind: 'inconclusive', why: this.#tooLong() };
      if (this.#possible.length === 0) return this.#violated(at, before);
      this.#underWay.delete(at);
      this.#reading.delete(at);
    }
    return { kind: 'ok', configurations: this.#looked };
  }

  #invoke(at: number): void {
    this.#underWay.add(at);
    const operation = this.#operations[at];
    if (operation && this.#model.onlyReads(operation.op)) this.#reading.add(at);
  }

  /** Every configuration in which the operation has taken effect by now, without it. */
  #return(at: number): Configuration<State>[] {
    const found = new Map<string, Configuration<State>>();
    const tried = new Set<string>();
    const waiting = this.#possible.map((one) => this.#settled(one));
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const key = this.#keyOf(next);
      if (tried.has(key)) continue;
      tried.add(key);
      if (++this.#looked % 1024 === 0 && this.#isTooLong()) return [];
      if (next.done.has(at)) {
        const over = { state: next.state, done: without(next.done, at) };
        found.set(this.#keyOf(over), over);
        continue;
      }
      waiting.push(...this.#successors(next));
    }
    return [...found.values()];
  }

  *#successors({ state, done }: Configuration<State>): Iterable<Configuration<State>> {
    for (const at of this.#underWay) {
      const isLeft = !done.has(at) && !this.#reading.has(at);
      const after = isLeft ? this.#step(state, at) : undefined;
      if (after !== undefined) yield this.#settled({ state: after, done: new Set(done).add(at) });
    }
  }

  /** With everything read that can be read here: what can follow without that can follow with it, so it is not left open. */
  #settled({ state, done }: Configuration<State>): Configuration<State> {
    const more = new Set(done);
    for (const at of this.#reading) {
      if (!more.has(at) && this.#step(state, at) !== undefined) more.add(at);
    }
    return { state, done: more };
  }

  #step(state: State, at: number): State | undefined {
    const operation = this.#operations[at];
    return operation && this.#model.step(state, operation.op);
  }

  #keyOf({ state, done }: Configuration<State>): string {
    return `${this.#model.key(state)}#${[...done].toSorted((a, b) => a - b).join()}`;
  }

  #isTooLong(): boolean {
    return this.#looked > this.#limits.configurations || performance.now() > this.#endsMono;
  }

  #tooLong(): string {
    const { length } = this.#operations;
    return `${length} operations, ${this.#looked} configurations: more than the search may look at`;
  }

  #violated(at: number, before: Configuration<State>[]): Linearizability<State, Op> {
    const [operation] = this.#named([at]);
    if (!operation) throw new RangeError(`no operation ${at}`);
    const states = new Map(before.map(({ state }) => [this.#model.key(state), state]));
    const underWay = this.#named([...this.#underWay].filter((one) => one !== at));
    return { kind: 'violated', at: operation, underWay, states: [...states.values()] };
  }

  #named(numbers: readonly number[]): Operation<Op>[] {
    return numbers.flatMap((at) => this.#operations[at] ?? []);
  }
}

function momentsOf(operations: readonly Operation<unknown>[]): Moment[] {
  const moments = operations.flatMap(({ invokedMono, returnedMono }, at): Moment[] => [
    { mono: invokedMono, kind: 'invoked', at },
    ...(returnedMono < Infinity ? [{ mono: returnedMono, kind: 'returned' as const, at }] : []),
  ]);
  const rank = { invoked: 0, returned: 1 };
  return moments.toSorted((a, b) => a.mono - b.mono || rank[a.kind] - rank[b.kind]);
}

function without(numbers: ReadonlySet<number>, one: number): Set<number> {
  const left = new Set(numbers);
  left.delete(one);
  return left;
}
