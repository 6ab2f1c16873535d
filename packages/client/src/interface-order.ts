/** Something done to an interface that must not overlap with another. */
export interface Turn {
  readonly keyText: string;
}

/**
 * Operations of one session on one interface happen in the order in which they were called, never two at once: two
 * managers could run a take and the release that follows it in either order.
 */
export class InterfaceOrder<Operation extends Turn> {
  /** By interface: the operation whose turn it is, and those that wait for it. */
  readonly #lines = new Map<string, Operation[]>();

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
    if (!line) this.#lines.set(operation.keyText, [operation]);
    else line.push(operation);
    return line === undefined;
  }

  /** Takes it out. Answers whose turn it is now, where that changed. */
  leave(operation: Operation): Operation | undefined {
    const line = this.#lines.get(operation.keyText);
    const at = line?.indexOf(operation) ?? -1;
    if (!line || at < 0) return undefined;
    if (line.length === 1) this.#lines.delete(operation.keyText);
    else line.splice(at, 1);
    return at === 0 && line[0] !== operation ? line[0] : undefined;
  }

  /** Everything in it, turn or not. */
  *all(): IterableIterator<Operation> {
    for (const line of this.#lines.values()) yield* line;
  }
}
