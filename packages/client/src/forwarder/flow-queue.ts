import type { FlowResult, Mfe } from '@mgm/protocol';
import { isMgmError } from '../errors.ts';
import type { FlowRef } from '../forwarding/flows.ts';
import type { Logger } from '../options.ts';
import { backoffMs, type Cancel, type Clock } from '../rpc/clock.ts';

/** Elements of one request. */
const PER_REQUEST = 256;
const REQUESTS_IN_FLIGHT = 4;
/** Flows that wait for an answer; further ones are dropped, and their next packet reports them again. */
const FLOWS_MAX = 65_536;
/** How long a flow is not asked again that has no forwarding entry. Forwarding contract, section 8.2. */
const QUIET_MS = 10_000;
/** A flow without an answer is given up after this time: longer than a kernel keeps its packets. */
const GIVE_UP_AFTER_MS = 30_000;

/** A flow that gets no forwarding entry. */
export type RefusedFlow = Extract<FlowResult, { readonly state: 'local' | 'refused' }>;

/** What a queue uses. */
export interface FlowQueueParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends one request. Rejects with `MgmError`. */
  readonly ask: (flows: readonly FlowRef[]) => Promise<readonly FlowResult[]>;
  /** Entries of replies. `isStale`: the entry was deleted since the request was sent. */
  readonly onEntries: (mfes: readonly Mfe[], isStale: (key: string) => boolean) => Promise<void>;
  readonly onRefused: (flow: FlowRef, result: RefusedFlow) => void;
}

interface Asked {
  readonly key: string;
  readonly flow: FlowRef;
  readonly sinceMono: number;
  /** Whether what a reply says about it may be outdated. */
  isStale: boolean;
}

/**
 * New flows, each asked for once at a time: those of one turn of the event loop share requests.
 *
 * A flow is *ready* until it is part of a request; then it is answered, or it becomes ready again: after `retryAfterMs` if it
 * is pending, after a while or with the next session if the request failed.
 */
export class FlowQueue {
  readonly #parts: FlowQueueParts;
  readonly #asked = new Map<string, Asked>();
  /** Until when a flow is not asked again, oldest first. */
  readonly #quiet = new Map<string, number>();
  readonly #timers = new Set<Cancel>();
  #ready: Asked[] = [];
  #inFlight = 0;
  #failures = 0;
  #isScheduled = false;
  #isOpen = false;
  #isOver = false;
  #dropped = 0;

  constructor(parts: FlowQueueParts) {
    this.#parts = parts;
  }

  /** Flows that were not asked for because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Flows without an answer. */
  get size(): number {
    return this.#asked.size;
  }

  /** Adds a flow unless it is asked for, or quiet. */
  add(key: string, flow: FlowRef): void {
    const nowMono = this.#parts.clock.monoMs();
    if (this.#isOver || this.#asked.has(key) || (this.#quiet.get(key) ?? 0) > nowMono) return;
    if (this.#asked.size >= FLOWS_MAX) {
      this.#dropped++;
      return;
    }
    const asked = { key, flow, sinceMono: nowMono, isStale: false };
    this.#asked.set(key, asked);
    this.#again([asked]);
  }

  /** The entry was deleted: what a reply on its way says about it may be older. */
  deleted(key: string): void {
    const asked = this.#asked.get(key);
    if (asked) asked.isStale = true;
  }

  /** All entries may have been deleted. */
  allDeleted(): void {
    for (const asked of this.#asked.values()) asked.isStale = true;
  }

  /** There is a session to ask with. */
  open(): void {
    this.#isOpen = true;
    this.#failures = 0;
    this.#send();
  }

  /** There is none. */
  close(): void {
    this.#isOpen = false;
  }

  end(): void {
    this.#isOver = true;
    this.#isOpen = false;
    for (const cancel of this.#timers) cancel();
    this.#asked.clear();
    this.#ready = [];
  }

  #again(flows: readonly Asked[]): void {
    this.#ready.push(...flows);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #againAfter(flows: readonly Asked[], ms: number): void {
    if (flows.length === 0 || this.#isOver) return;
    const cancel = this.#parts.clock.after(ms, () => {
      this.#timers.delete(cancel);
      this.#again(flows);
    });
    this.#timers.add(cancel);
  }

  #send(): void {
    while (this.#isOpen && this.#ready.length > 0 && this.#inFlight < REQUESTS_IN_FLIGHT) {
      void this.#request(this.#ready.splice(0, PER_REQUEST));
    }
  }

  async #request(flows: readonly Asked[]): Promise<void> {
    this.#inFlight++;
    for (const asked of flows) asked.isStale = false;
    try {
      const results = await this.#parts.ask(flows.map(({ flow }) => flow));
      this.#failures = 0;
      await this.#answered(flows, results);
    } catch (error) {
      if (!isMgmError(error)) throw error;
      this.#failed(flows, error.retryable || error.reason === 'session-lost', error.message);
    } finally {
      this.#inFlight--;
      this.#send();
    }
  }

  async #answered(flows: readonly Asked[], results: readonly FlowResult[]): Promise<void> {
    const mfes: Mfe[] = [];
    const pending: Asked[] = [];
    let retryAfterMs = 0;
    for (const [at, asked] of flows.entries()) {
      const result = results[at];
      if (result?.state === 'pending') {
        pending.push(asked);
        retryAfterMs = Math.max(retryAfterMs, result.retryAfterMs);
      } else if (result?.state === 'local' || result?.state === 'refused') {
        this.#beQuiet(asked.key);
        this.#parts.onRefused(asked.flow, result);
      } else if (result) mfes.push(result.mfe);
    }
    this.#againAfter(pending, retryAfterMs);
    // Until their entries are in the table, these flows are not asked for again.
    await this.#parts.onEntries(mfes, (key) => this.#asked.get(key)?.isStale ?? true);
    const isPending = new Set(pending);
    for (const asked of flows) if (!isPending.has(asked)) this.#asked.delete(asked.key);
  }

  #failed(flows: readonly Asked[], isWorthRepeating: boolean, message: string): void {
    const { clock, logger } = this.#parts;
    logger.warn({ count: flows.length, message }, 'new flows not reported');
    const oldestMono = clock.monoMs() - GIVE_UP_AFTER_MS;
    const isKept = ({ sinceMono }: Asked): boolean => isWorthRepeating && sinceMono > oldestMono;
    for (const asked of flows) if (!isKept(asked)) this.#asked.delete(asked.key);
    this.#againAfter(flows.filter(isKept), backoffMs(++this.#failures));
  }

  #beQuiet(key: string): void {
    const nowMono = this.#parts.clock.monoMs();
    this.#quiet.delete(key);
    this.#quiet.set(key, nowMono + QUIET_MS);
    for (const [oldest, untilMono] of this.#quiet) {
      if (untilMono > nowMono && this.#quiet.size <= FLOWS_MAX) break;
      this.#quiet.delete(oldest);
    }
  }
}
