/**
 * The phases of a run, which follow each other. Each is printed when it begins, and one that exceeds its limit rejects with its
 * name, so that a run never waits for ever and its last line says what it waited for.
 */
export class Phases {
  readonly #say: (line: string) => void;

  /** @param say receives progress, a line at a time */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Runs a phase. After its limit the task is abandoned, not ended. */
  async run<Result>(name: string, withinMs: number, task: () => Promise<Result>): Promise<Result> {
    this.#say(name);
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const late = `"${name}" did not end within ${withinMs / 1_000} s`;
      this.#say(late);
      limit.reject(new Error(late));
    }, withinMs);
    try {
      return await Promise.race([task(), limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
