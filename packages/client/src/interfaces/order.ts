import { BriefMap } from '../rpc/brief-map.ts';

/** Something done to an interface that must not overlap with another. */
export interface Turn {
  readonly keyText: string;
}

/**
 * Operations of one session on one interface happen in the order in which they were called, never two at once: two
 * managers could run a take and the release that follows it in either order.
 */
export class InterfaceOrder<Operation extends Turn> {
  /** By interface: the operation whose turn it is; where others wait for it, all of them in order. */
  readonly #lines = new BriefMap<string, Operation | Operation[]>();

  /** How many interfaces are being worked on. */
  get size(): number {
    return this.#lines.size;
  }

  isBusy(keyText: string): boolean {
    return this.#lines.has(keyText);
  }

  /** Says whether it is this operation's turn at once. */
  enter(operation: Operation): boolean {
    const line = this.#lines.get(operation.keyText);
    if (line === undefined) this.#lines.set(operation.keyText, operation);
    else if (Array.isArray(line)) line.push(operation);
    else this.#lines.set(operation.keyText, [line, operation]);
    return line === undefined;
  }

  /** Takes it out. Answers whose turn it is now, where that changed. */
  leave(operation: Operation): Operation | undefined {
    const line = this.#lines.get(operation.keyText);
    if (line === operation) this.#lines.delete(operation.keyText);
    return Array.isArray(line) ? this.#leaveLine(line, operation) : undefined;
  }

  /** Everything in it, turn or not. */
  *all(): IterableIterator<Operation> {
    for (const line of this.#lines.values()) {
      if (Array.isArray(line)) yield* line;
      else yield line;
    }
  }

  #leaveLine(line: Operation[], operation: Operation): Operation | undefined {
    const at = line.indexOf(operation);
    if (at < 0) return undefined;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(operation.keyText);
    return at === 0 ? line[0] : undefined;
  }
}
