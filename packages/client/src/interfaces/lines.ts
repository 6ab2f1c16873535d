/** A call as far as its order on its interface matters. */
export interface Queued {
  readonly keyText: string;
  readonly item: { readonly operation: string; readonly entry?: object | undefined };
  /** Of a call on a membership: its entry. Calls of one kind on different entries run together. */
  readonly entryText: string;
}

/** The calls on one busy interface. */
interface Line<Call> {
  /** By entry; all of them have the same operation. */
  readonly running: Map<string, Call>;
  /** In the order of the calls, from `next` on. */
  waiting: Call[];
  next: number;
}

/**
 * The order of calls on each interface.
 *
 * Two managers could execute requests that are in flight together in either order. So a take, a release or a change of
 * settings runs alone on its interface. Calls that add memberships run together, as do calls that delete them and calls that
 * set filters of different groups. A call of another kind waits until the ones before it are over, so that a replacement is
 * joined before the old entry is pruned. Calls on one entry never run together.
 */
export class Lines<Call extends Queued> {
  readonly #lines = new Map<string, Line<Call>>();
  readonly #gone = new WeakSet<Call>();
  readonly #start: (call: Call) => boolean;

  /** @param start called when it is the turn of a call, by the code that submits it or ends another; false: it is over */
  constructor(start: (call: Call) => boolean) {
    this.#start = start;
  }

  /** Whether calls on this interface are pending. */
  has(keyText: string): boolean {
    return this.#lines.has(keyText);
  }

  /** All pending calls, in order per interface. */
  *calls(): Generator<Call, void, undefined> {
    for (const line of this.#lines.values()) {
      yield* line.running.values();
      for (const call of line.waiting.slice(line.next)) if (!this.#gone.has(call)) yield call;
    }
  }

  add(call: Call): void {
    let line = this.#lines.get(call.keyText);
    if (!line) {
      line = { running: new Map(), waiting: [], next: 0 };
      this.#lines.set(call.keyText, line);
    }
    line.waiting.push(call);
    this.#startDue(line);
    if (line.running.size === 0) this.#lines.delete(call.keyText);
  }

  /** The call is over, or gave up before its turn. Returns whether the interface has no calls any more. */
  leave(call: Call): boolean {
    const line = this.#lines.get(call.keyText);
    if (!line) return false;
    if (line.running.get(call.entryText) === call) line.running.delete(call.entryText);
    else this.#gone.add(call);
    this.#startDue(line);
    const isEmpty = line.running.size === 0;
    if (isEmpty) this.#lines.delete(call.keyText);
    return isEmpty;
  }

  /**
   * Whether the next call that waits on the interface is one on the same entry, which decides about it. What a filter has
   * done to other entries of its group is decided only by another filter.
   */
  isFollowed({ keyText, entryText, item }: Call): boolean {
    const line = this.#lines.get(keyText);
    const next = line && this.#peek(line);
    if (next?.item.entry === undefined || next.entryText !== entryText) return false;
    return item.operation !== 'member.set' || next.item.operation === 'member.set';
  }

  #startDue(line: Line<Call>): void {
    for (let call = this.#peek(line); call; call = this.#peek(line)) {
      if (!mayJoin(line.running, call)) return;
      line.running.set(call.entryText, call);
      line.next++;
      if (!this.#start(call)) line.running.delete(call.entryText);
    }
  }

  /** The call whose turn is next. */
  #peek(line: Line<Call>): Call | undefined {
    while (line.next < line.waiting.length) {
      const call = line.waiting[line.next];
      if (call && !this.#gone.has(call)) return call;
      line.next++;
    }
    line.waiting = [];
    line.next = 0;
    return undefined;
  }
}

function mayJoin<Call extends Queued>(running: ReadonlyMap<string, Call>, call: Call): boolean {
  const { done, value: one } = running.values().next();
  if (done) return true;
  const isSameKind = call.item.entry !== undefined && one.item.operation === call.item.operation;
  return isSameKind && !running.has(call.entryText);
}
