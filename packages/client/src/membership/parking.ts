import { addAbortListener } from 'node:events';
import { gaveUp, overloaded, type ErrorOrigin, type MgmError } from '../errors.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';

/** Parked calls per session; further ones are refused as `overloaded`. */
const PARKED_MAX = 65_536;
const TOO_MANY = `${PARKED_MAX} membership calls of this session wait already`;

interface Parked {
  /** The interface that it waits for. */
  readonly keyText: string;
  readonly run: () => void;
  readonly fail: (error: MgmError) => void;
}

/** Membership calls that wait, in order, until recorded memberships were added again. Nothing was sent for them. */
export class Parking {
  readonly #context: Context;
  #parked: Parked[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whether calls on this interface wait. */
  has(keyText: string): boolean {
    return this.#parked.some((parked) => parked.keyText === keyText);
  }

  /** Runs `begin` when the call may go on, with the rest of its deadline. Rejects with {@link MgmError}. */
  park<Result>(
    keyText: string,
    origin: ErrorOrigin,
    options: CallOptions,
    begin: (options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    const { agenda, clock } = this.#context;
    const { deadlineMs } = checkedLimits(options, this.#context, () => origin);
    if (this.#parked.length >= PARKED_MAX) throw overloaded(TOO_MANY, origin);
    if (options.signal?.aborted) throw gaveUp('aborted', origin);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const deadlineMono = clock.monoMs() + deadlineMs;
    const giveUp = (why: 'timeout' | 'aborted'): void => {
      this.#parked = this.#parked.filter((other) => other !== parked);
      parked.fail(gaveUp(why, origin, { waited: 'waited too long for earlier memberships' }));
    };
    const appointment = agenda.at(deadlineMono, () => giveUp('timeout'));
    const listener = options.signal && addAbortListener(options.signal, () => giveUp('aborted'));
    const dismiss = (): void => {
      agenda.remove(appointment);
      listener?.[Symbol.dispose]();
    };
    const parked: Parked = {
      keyText,
      run: () => {
        dismiss();
        const leftMs = Math.max(1, deadlineMono - clock.monoMs());
        resolve(begun(() => begin({ ...options, deadlineMs: leftMs })));
      },
      fail: (error) => {
        dismiss();
        reject(error);
      },
    };
    this.#parked.push(parked);
    return promise;
  }

  /** Lets the calls on this interface go on, or all calls. */
  release(keyText?: string): void {
    const mayGo = (parked: Parked): boolean => keyText === undefined || parked.keyText === keyText;
    const released = this.#parked.filter(mayGo);
    this.#parked = this.#parked.filter((parked) => !mayGo(parked));
    for (const parked of released) parked.run();
  }

  /** Fails all calls. */
  fail(error: MgmError): void {
    for (const parked of this.#parked.splice(0)) parked.fail(error);
  }
}

async function begun<Result>(begin: () => Promise<Result>): Promise<Result> {
  return await begin();
}
