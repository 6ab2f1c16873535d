/** A call as far as its order on its interface matters. */
export interface Queued {
  readonly keyText: string;
  readonly item: { readonly operation: string; readonly entry?: object | undefined };
  /** The interface, or the membership there: two calls on one target never run together. */
  readonly targetText: string;
}

/** The calls on one busy interface. Most are lone: `waiting` exists only once a call has to wait. */
interface Line<Call> {
  /** How many calls run, all of them of this operation. */
  running: number;
  operation: string;
  /** In the order of the calls, from `next` on. */
  waiting: Call[] | undefined;
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
  /** By target. */
  readonly #running = new Map<string, Call>();
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
    yield* this.#running.values();
    for (const { waiting = [], next } of this.#lines.values()) {
      for (const call of waiting.slice(next)) if (!this.#gone.has(call)) yield call;
    }
  }

  add(call: Call): void {
    let line = this.#lines.get(call.keyText);
    if (!line) {
      line = { running: 0, operation: call.item.operation, waiting: undefined, next: 0 };
      this.#lines.set(call.keyText, line);
    }
    if (!line.waiting && this.#mayRun(line, call)) this.#run(line, call);
    else (line.waiting ??= []).push(call);
    if (line.running === 0) this.#lines.delete(call.keyText);
  }

  /** The call is over, or gave up before its turn. Returns whether the interface has no calls any more. */
  leave(call: Call): boolean {
    const line = this.#lines.get(call.keyText);
    if (!line) return false;
    if (this.#running.get(call.targetText) === call) this.#stop(line, call);
    else this.#gone.add(call);
    this.#runDue(line);
    const isEmpty = line.running === 0;
    if (isEmpty) this.#lines.delete(call.keyText);
    return isEmpty;
  }

  /**
   * Whether the next call that waits on the interface is one on the same entry, which decides about it. What a filter has
   * done to other entries of its group is decided only by another filter.
   */
  isFollowed({ keyText, targetText, item }: Call): boolean {
    const line = this.#lines.get(keyText);
    const next = line && this.#peek(line);
    if (next?.item.entry === undefined || next.targetText !== targetText) return false;
    return item.operation !== 'member.set' || next.item.operation === 'member.set';
  }

  #runDue(line: Line<Call>): void {
    for (let call = this.#peek(line); call; call = this.#peek(line)) {
      if (!this.#mayRun(line, call)) return;
      line.next++;
      this.#run(line, call);
    }
  }

  /** The call whose turn is next. */
  #peek(line: Line<Call>): Call | undefined {
    if (!line.waiting) return undefined;
    while (line.next < line.waiting.length) {
      const call = line.waiting[line.next];
      if (call && !this.#gone.has(call)) return call;
      line.next++;
    }
    line.waiting = undefined;
    line.next = 0;
    return undefined;
  }

  #mayRun(line: Line<Call>, { item, targetText }: Call): boolean {
    if (line.running === 0) return true;
    const isSameKind = item.entry !== undefined && item.operation === line.operation;
    return isSameKind && !this.#running.has(targetText);
  }

  #run(line: Line<Call>, call: Call): void {
    line.running++;
    line.operation = call.item.operation;
    this.#running.set(call.targetText, call);
    if (!this.#start(call)) this.#stop(line, call);
  }

  #stop(line: Line<Call>, call: Call): void {
    line.running--;
    this.#running.delete(call.targetText);
  }
}
