import type { Mgm, WatchedMembership } from '@mgm/client';
import type { EventMessage, InterfaceItem, MembershipEvent } from '@mgm/protocol';
import { pause } from '../pause.ts';

/** The receiver of changes. */
export interface ChangeListener {
  /** All interfaces held at present: replaces the previous state. */
  onSnapshot(items: readonly InterfaceItem[]): void;
  /** The next change. */
  onEvent(event: EventMessage): void;
  /** All memberships at present: replaces the previous state. */
  onMemberships(memberships: readonly WatchedMembership[]): void;
  /** The next change of memberships. */
  onMembershipEvent(event: MembershipEvent): void;
  /** Changes cannot be read at present; it keeps trying. */
  onTrouble(why: string): void;
}

const LOOK_EVERY_MS = 20;
const RETRY_EVERY_MS = 1_000;
const CATCH_UP_WITHIN_MS = 1_000;

/**
 * Reports every change of a router once, from its construction until {@link close}: those of interfaces and sessions in
 * order, and those of memberships in order.
 */
export class Changes {
  readonly #mgm: Mgm;
  readonly #listener: ChangeListener;
  readonly #closing = new AbortController();
  readonly #following: Promise<unknown>;
  #rev = 0;
  #mrev = 0;

  constructor(mgm: Mgm, listener: ChangeListener) {
    this.#mgm = mgm;
    this.#listener = listener;
    this.#following = Promise.all([
      this.#follow((signal) => this.#watch(signal)),
      this.#follow((signal) => this.#watchMemberships(signal)),
    ]);
  }

  /** Reports the changes up to now, if they arrive within a second, and stops. */
  async close(): Promise<void> {
    const late = AbortSignal.timeout(CATCH_UP_WITHIN_MS);
    // Without an answer there is nothing to report.
    await this.#catchUp(late).catch(() => {});
    this.#closing.abort();
    await this.#following;
  }

  /** The ends of memberships follow from the last ends of holds: `settled` reaches that revision when they are written. */
  async #catchUp(late: AbortSignal): Promise<void> {
    const rev = await this.#revision(late);
    while (!late.aborted) {
      const { settled, mrev } = await this.#memberships(late);
      if (settled >= rev && this.#rev >= rev && this.#mrev >= mrev) return;
      await pause(LOOK_EVERY_MS, late);
    }
  }

  async #follow(watch: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await watch(signal);
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

  async #watchMemberships(signal: AbortSignal): Promise<void> {
    for await (const seen of this.#mgm.watchMemberships({ signal })) {
      this.#mrev = seen.kind === 'event' ? seen.event.mrev : seen.mrev;
      if (seen.kind === 'snapshot') this.#listener.onMemberships(seen.memberships);
      if (seen.kind === 'event') this.#listener.onMembershipEvent(seen.event);
    }
  }

  async #revision(signal: AbortSignal): Promise<number> {
    for await (const { rev } of this.#mgm.interfacePages({ limit: 1, signal })) return rev;
    return 0;
  }

  async #memberships(signal: AbortSignal): Promise<{ settled: number; mrev: number }> {
    for await (const page of this.#mgm.memberPages({ limit: 1, signal })) return page;
    return { settled: 0, mrev: 0 };
  }
}
