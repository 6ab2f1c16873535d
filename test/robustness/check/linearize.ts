/**
 * Decides whether a concurrent history is equivalent to a sequential one in which each operation takes effect at some instant
 * between its call and its return: Wing and Gong's search with Lowe's cache of tried configurations, in his just-in-time form
 * ("Testing for linearizability", 2017). It follows the history in time and keeps every possible configuration: a state, and the
 * set of pending operations that have taken effect. Only returns are decisions, so memory is bounded by the concurrency and not
 * by the length of the history.
 *
 * There is no such library for JavaScript (Porcupine is Go, Knossos Clojure, todc Rust).
 */
export interface Operation<Op> {
  readonly op: Op;
  readonly invokedMono: number;
  /** `Infinity` for an unknown outcome: the operation may take effect at any later time, or never. */
  readonly returnedMono: number;
}

/** A sequential specification: pure. */
export interface Model<State, Op> {
  readonly initial: State;
  /** The state after the operation with its outcome, or `undefined` where this outcome is impossible. */
  step(state: State, op: Op): State | undefined;
  /** Whether it changes no state in which its outcome is possible. */
  onlyReads(op: Op): boolean;
  /** Equal for equal states only. */
  key(state: State): string;
}

export interface SearchLimits {
  readonly withinMs: number;
  /** The number of examined configurations. */
  readonly configurations: number;
}

export type Linearizability<State, Op> =
  | { readonly kind: 'ok'; readonly configurations: number }
  | {
      readonly kind: 'violated';
      /** The operation whose outcome is impossible at every instant between call and return. */
      readonly at: Operation<Op>;
      readonly underWay: readonly Operation<Op>[];
      /** The possible states before it. */
      readonly states: readonly State[];
    }
  | { readonly kind: 'inconclusive'; readonly why: string };

interface Configuration<State> {
  readonly state: State;
  /** The pending operations that have taken effect. */
  readonly done: ReadonlySet<number>;
}

interface Moment {
  readonly mono: number;
  readonly kind: 'invoked' | 'returned';
  readonly at: number;
}

/** Decides the history of one object. Operations that meet at one instant count as concurrent. */
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
  /** The pending operations that only read. */
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

  /** Every configuration in which the operation has taken effect, with the operation removed. */
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

  /** Executes every read that is possible here: it cannot exclude a later step, so no configuration without it is kept. */
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
