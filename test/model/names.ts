import { isRecord } from './compare.ts';
import type { EpochNumber, SessionNumber } from './vocabulary.ts';

/** Far above any epoch of a run. */
const BEYOND = 1_000_000_000n;

/**
 * The model's numbers for the sessions and epochs of one router: each gets the next number when it is first seen. A new epoch
 * must be larger than all before it (section 6).
 */
export class Names {
  readonly #sessions: number[] = [];
  readonly #epochs: bigint[] = [];

  /** A reply, event or callback with the model's numbers in place of the real ones, and interfaces by name in `on`. */
  translate(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.translate(one));
    if (!isRecord(value)) return value;
    const fields = Object.entries(value).map(([key, field]) => [key, this.#field(key, field)]);
    const { ifIndex, nextHop } = value;
    const on = ifIndex === undefined ? {} : { on: `${String(ifIndex)}:${String(nextHop)}` };
    return { ...Object.fromEntries(fields), ...on };
  }

  /** The model's number of a session. */
  session(real: number): SessionNumber {
    const known = this.#sessions.indexOf(real) + 1;
    return known || this.#sessions.push(real);
  }

  /** The real number of a session; an unused one for an unknown session. */
  realSession(session: SessionNumber): number {
    return this.#sessions[session - 1] ?? 1;
  }

  /** The real epoch; one that was never granted for an unknown epoch. */
  realEpoch(epoch: EpochNumber): string {
    return String(epoch === 0 ? 0n : (this.#epochs[epoch - 1] ?? this.#last() + BEYOND));
  }

  #field(key: string, field: unknown): unknown {
    if (key === 'session' && typeof field === 'number') return this.session(field);
    if (key === 'previous' && typeof field === 'number') return this.session(field);
    if (key === 'epoch' || key === 'current') return this.#epochNumber(String(field));
    return this.translate(field);
  }

  #epochNumber(text: string): EpochNumber {
    const real = BigInt(text);
    if (real === 0n) return 0;
    const known = this.#epochs.indexOf(real) + 1;
    if (known) return known;
    if (real <= this.#last())
      throw new Error(`a new epoch ${real} is not larger than ${this.#last()}`);
    return this.#epochs.push(real);
  }

  #last(): bigint {
    return this.#epochs.at(-1) ?? 0n;
  }
}
