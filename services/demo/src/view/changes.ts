import type { Mgm } from '@mgm/client';
import type { EventMessage, InterfaceItem } from '@mgm/protocol';
import { pause } from '../pause.ts';

/** The receiver of changes. */
export interface ChangeListener {
  /** All interfaces held at present: replaces the previous state. */
  onSnapshot(items: readonly InterfaceItem[]): void;
  /** The next change. */
  onEvent(event: EventMessage): void;
  /** Changes cannot be read at present; it keeps trying. */
  onTrouble(why: string): void;
}

const LOOK_EVERY_MS = 200;
const RETRY_EVERY_MS = 1_000;
const CATCH_UP_WITHIN_MS = 1_000;

/** Reports every change of a router, once and in order, from its construction until {@link close}. */
export class Changes {
  readonly #mgm: Mgm;
  readonly #listener: ChangeListener;
  readonly #closing = new AbortController();
  readonly #following: Promise<void>;
  #rev = 0;

  constructor(mgm: Mgm, listener: ChangeListener) {
    this.#mgm = mgm;
    this.#listener = listener;
    this.#following = this.#follow();
  }

  /** Reports the changes up to now, if they arrive within a second, and stops. */
  async close(): Promise<void> {
    const late = AbortSignal.timeout(CATCH_UP_WITHIN_MS);
    // Without an answer there is nothing to report.
    await this.#catchUp(late).catch(() => {});
    this.#closing.abort();
    await this.#following;
  }

  async #catchUp(late: AbortSignal): Promise<void> {
    const rev = await this.#revision(late);
    while (this.#rev < rev && !late.aborted) await pause(LOOK_EVERY_MS / 10, late);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#listener.onTrouble(error instanceof Error ? error.message : String(error));
        await pause(RETRY_EVERY_MS, signal);
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const seen of this.#mgm.watch({ signal })) {
      this.#rev = seen.kind === 'event' ? seen.event.rev : seen.rev;
      if (seen.kind === 'snapshot') this.#listener.onSnapshot(seen.interfaces);
      if (seen.kind === 'event') this.#listener.onEvent(seen.event);
    }
  }

  async #revision(signal: AbortSignal): Promise<number> {
    for await (const { rev } of this.#mgm.interfacePages({ limit: 1, signal })) return rev;
    return 0;
  }
}
