import { Limits } from '@mgm/protocol';

/** What a numbered request says of itself and of those before it (wire contract, section 3, sequencing). */
export interface Numbers {
  readonly seq: number;
  readonly ack: number;
}

/** Numbers requests of one session of which many are under way. */
export class Numbering {
  readonly #underWay = new Set<number>();
  #last = 0;
  #held: (() => void)[] = [];

  /** Runs one request with the next number, once there is one; whatever becomes of it, the number is finished then. */
  async use(request: (numbers: Numbers) => Promise<void>): Promise<void> {
    while (this.#last - this.#oldest() >= Limits.window - 1) await this.#oneFinished();
    const seq = ++this.#last;
    this.#underWay.add(seq);
    try {
      await request({ seq, ack: this.#oldest() });
    } finally {
      this.#underWay.delete(seq);
      if (this.#held.length > 0) for (const resume of this.#held.splice(0)) resume();
    }
  }

  #oneFinished(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve));
  }

  /** A set remembers the order in which numbers were added. */
  #oldest(): number {
    const [oldest = this.#last] = this.#underWay;
    return oldest;
  }
}
