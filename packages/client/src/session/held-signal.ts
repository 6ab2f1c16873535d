/**
 * An `AbortSignal` that tells the truth also to a process that was too busy to notice: whoever asks it (`aborted`,
 * `throwIfAborted`) makes it check first, so that it does not depend on a timer having run.
 */
export class HeldSignal {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();

  /** @param check brings whatever decides about the signal up to date; may call {@link abort} */
  constructor(check: () => void) {
    this.signal = askingFirst(this.#controller.signal, check);
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }
}

function askingFirst(signal: AbortSignal, check: () => void): AbortSignal {
  const isAborted = (): unknown => Reflect.get(AbortSignal.prototype, 'aborted', signal);
  return Object.defineProperties(signal, {
    aborted: {
      configurable: true,
      get: () => {
        check();
        return isAborted();
      },
    },
    throwIfAborted: {
      configurable: true,
      value: () => {
        check();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
}
