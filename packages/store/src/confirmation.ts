import { StoreError } from './store-error.ts';

export interface ConfirmationOptions {
  /** How many replicas must have it. */
  readonly replicas: number;
  /** How long they may take, in ms. */
  readonly withinMs: number;
  /** Sends one command behind what was sent before, on the same connection. */
  readonly send: (command: string, ...args: string[]) => Promise<unknown>;
}

/**
 * Whether replicas have what calls have changed. `WAIT` is asked once for all calls of one turn of the event loop, right
 * behind them, so it costs no round trip of its own; nothing behind it on the connection is executed until it is answered.
 */
export class Confirmation {
  readonly #options: ConfirmationOptions;
  #ofThisTurn: Promise<void> | undefined;

  constructor(options: ConfirmationOptions) {
    this.#options = options;
  }

  /** For a call just sent. Rejects with `StoreError` `indeterminate` where too few replicas have it in time. */
  async confirm(): Promise<void> {
    this.#ofThisTurn ??= this.#ask();
    await this.#ofThisTurn;
  }

  async #ask(): Promise<void> {
    const { replicas, withinMs, send } = this.#options;
    // Once everything that runs now has sent its calls.
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
