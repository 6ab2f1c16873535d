import type { SessionId } from '@mgm/protocol';
import type { Logger } from '../options.ts';
import type { Clock } from '../rpc/clock.ts';
import { marginMs } from './lease-clock.ts';

/** One keepalive, as a {@link LeaseGate} sees it. Both methods get the same object. */
export interface Renewal {
  readonly session: SessionId;
  /** From before the keepalive is sent, in ms on the monotonic clock of this process (`performance.now()`). */
  readonly sentMono: number;
  /** How long the gate may stay open, counted from {@link LeaseGate.arm}, in ms: the lease without its safety margin. */
  readonly openForMs: number;
  /** `sentMono` + `openForMs`: when the session must have stopped unless a later keepalive is confirmed. */
  readonly deadlineMono: number;
}

/**
 * A gate outside of this process that packets pass only while the session may act, for example in the kernel. It closes by a
 * clock of its own, so it holds also while this process is stopped.
 *
 * Up to two keepalives may be unconfirmed at a time: a gate needs three slots, or must ignore the `commit` of a renewal
 * whose slot it has armed again. Both methods are called where keepalives are sent and received, so they must be quick; what
 * they throw is logged.
 */
export interface LeaseGate {
  /**
   * Called before a keepalive is sent: starts the time `openForMs` of a slot that is not in use. The lease of the store
   * begins later, so the gate never stays open longer than the lease. If it throws, `commit` is not called for this renewal.
   */
  arm(renewal: Renewal): void;
  /** Called when the keepalive was confirmed before the session's deadline: packets pass by the slot that was armed for it. */
  commit(renewal: Renewal): void;
}

/** Calls the gate of a session around its keepalives. */
export class GateCalls {
  readonly #gate: LeaseGate;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(gate: LeaseGate, clock: Clock, logger: Logger) {
    this.#gate = gate;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `undefined` if the gate failed. */
  arm(session: SessionId, ttlMs: number): Renewal | undefined {
    const sentMono = this.#clock.monoMs();
    const openForMs = ttlMs - marginMs(ttlMs);
    const renewal = { session, sentMono, openForMs, deadlineMono: sentMono + openForMs };
    return this.#call('arm', renewal) ? renewal : undefined;
  }

  commit(renewal: Renewal): void {
    this.#call('commit', renewal);
  }

  #call(method: keyof LeaseGate, renewal: Renewal): boolean {
    try {
      this.#gate[method](renewal);
      return true;
    } catch (err) {
      this.#logger.error({ session: renewal.session, method, err }, 'gate failed');
      return false;
    }
  }
}
