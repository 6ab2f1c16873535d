import { StoreError } from '../store-error.ts';

export interface ConfirmationOptions {
  /** How many replicas must confirm. */
  readonly replicas: number;
  /** How long they may take, in ms. */
  readonly withinMs: number;
  /** Sends one command after those already sent, on the same connection. */
  readonly send: (command: string, ...args: string[]) => Promise<unknown>;
}

/**
 * Waits until replicas have the changes of a call. One `WAIT` serves all calls of one turn of the event loop and follows
 * directly behind them, so it costs no round trip of its own; Redis executes nothing else on the connection until then.
 */
export class Confirmation {
  readonly #options: ConfirmationOptions;
  #ofThisTurn: Promise<void> | undefined;

  constructor(options: ConfirmationOptions) {
    this.#options = options;
  }

  /** For a call just sent. Rejects with `StoreError` `indeterminate` if too few replicas confirm in time. */
  async confirm(): Promise<void> {
    this.#ofThisTurn ??= this.#wait();
    await this.#ofThisTurn;
  }

  async #wait(): Promise<void> {
    const { replicas, withinMs, send } = this.#options;
    // Lets every call of this turn be sent first.
    await Promise.resolve();
    this.#ofThisTurn = undefined;
    const confirmed = Number(await send('WAIT', String(replicas), String(withinMs)));
    if (confirmed >= replicas) return;
    throw new StoreError(
      'indeterminate',
      `${confirmed} of ${replicas} replicas confirmed it within ${withinMs} ms`,
    );
  }
}
