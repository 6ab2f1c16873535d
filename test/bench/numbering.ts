import { Limits } from '@mgm/protocol';

/** The sequencing fields of a request (wire contract, section 3). */
export interface Numbers {
  readonly seq: number;
  readonly ack: number;
}

/** Assigns `seq` and `ack` to concurrent requests of one session. */
export class Numbering {
  readonly #underWay = new Set<number>();
  #last = 0;
  #held: (() => void)[] = [];

  /** Runs one request with the next `seq`, once the window has room. The `seq` is finished when the request ends. */
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

  /** Pending numbers in ascending order, since a set keeps insertion order. */
  #oldest(): number {
    const [oldest = this.#last] = this.#underWay;
    return oldest;
  }
}
