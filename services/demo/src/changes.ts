import type { Mgm } from '@mgm/client';
import type { EventMessage, InterfaceItem } from '@mgm/protocol';
import { pause } from './pause.ts';

/** Whom changes are told. */
export interface ChangeListener {
  /** Everything that is held, as of now: what was known before counts no more. */
  onSnapshot(items: readonly InterfaceItem[]): void;
  /** The next change. */
  onEvent(event: EventMessage): void;
  /** Changes can't be followed for the moment; it goes on trying. */
  onTrouble(why: string): void;
}

const LOOK_EVERY_MS = 200;
const RETRY_EVERY_MS = 1_000;
const CATCH_UP_WITHIN_MS = 1_000;

/** Tells every change on a router, once and in order, from its construction until {@link close}. */
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

  /** Tells what has happened until now, if that can be had within a second, and no more. */
  async close(): Promise<void> {
    const late = AbortSignal.timeout(CATCH_UP_WITHIN_MS);
    // Where nobody answers there is nothing to be had.
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
