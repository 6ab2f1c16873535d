import type { StoreState } from '@mgm/store';

/** How long a server has to become what it should be: a replica to connect, a failover to end. */
const PATIENCE_MS = 10_000;

/**
 * Ends a start on a Redis that answers and must not be used: at once where it is misconfigured, after a while where that
 * may pass. A Redis that can't be reached is waited for, however long; and once one could be used, nothing ends any more.
 */
export class StartCheck {
  readonly #onRefused: (reason: string) => void;
  #patience: NodeJS.Timeout | undefined;
  #reason = '';
  #isOver = false;

  constructor(onRefused: (reason: string) => void) {
    this.#onRefused = onRefused;
  }

  changed(state: StoreState): void {
    const unfit = state.kind === 'connecting' ? state.unfit : undefined;
    if (unfit === undefined) this.#forget();
    this.#isOver ||= state.kind !== 'connecting';
    if (this.#isOver || state.kind !== 'connecting' || unfit === undefined) return;
    this.#reason = state.reason ?? unfit;
    if (unfit === 'misconfigured') this.#onRefused(this.#reason);
    else this.#patience ??= setTimeout(() => this.#onRefused(this.#reason), PATIENCE_MS);
  }

  #forget(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }
}
