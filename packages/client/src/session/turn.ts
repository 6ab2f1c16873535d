/**
 * Lets the handlers of a session run one at a time. Questions come before callbacks that wait, because managers wait for
 * their answers.
 */
export class HandlerTurn {
  readonly #questions: (() => void)[] = [];
  readonly #callbacks: (() => void)[] = [];
  #isTaken = false;

  /** Questions that wait for their turn. */
  get waiting(): number {
    return this.#questions.length;
  }

  /** Runs `work` when no other handler runs. */
  async run<Result>(kind: 'question' | 'callback', work: () => Promise<Result>): Promise<Result> {
    if (this.#isTaken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      (kind === 'question' ? this.#questions : this.#callbacks).push(resolve);
      await promise;
    }
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      const next = this.#questions.shift() ?? this.#callbacks.shift();
      if (next) next();
      else this.#isTaken = false;
    }
  }
}
