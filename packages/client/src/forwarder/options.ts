import type { Mfe } from '@mgm/protocol';
import { badRequest } from '../errors.ts';
import type { FlowRef, MfeCounters } from '../forwarding/flows.ts';
import type { Logger } from '../options.ts';
import type { LeaseGate } from '../session/keepalive.ts';
import type { RefusedFlow } from './flow-queue.ts';

/**
 * What forwards packets: the multicast routing table of a kernel, an ASIC, or a test. A `ForwarderAgent` calls its methods
 * one at a time, except `stats`; each may return a promise, and the next call waits for it. A `set` or `delete` that throws
 * fails for its entry only: it is reported to operators and tried again every 10 s.
 */
export interface ForwardingPlane {
  /**
   * Installs the entry of an (s,g), or replaces it as a whole: incoming interface and all outgoing ones. Without `oifs` its
   * packets are dropped. A new incarnation of an (s,g) follows a `delete` of the former one.
   */
  set(mfe: Mfe): void | Promise<void>;
  /** Removes an entry; one that is not there is no failure. May return the last counters of the entry. */
  delete(mfe: Mfe): MfeCounters | void | Promise<MfeCounters | void>;
  /** Removes all entries, also those that a former process left. Called at the start, too; if it throws, it is repeated. */
  flush(): void | Promise<void>;
  /**
   * The counters of all entries, absolute since their incarnation was installed. Called at most every 10 s, also while another
   * call runs; the agent sends what has changed. If it throws, or has no result within 30 s, the agent logs that and calls it
   * again 10 s later.
   */
  stats?(): Iterable<MfeCounters> | Promise<Iterable<MfeCounters>>;
}

/**
 * - `attaching`: forwards by its table, which may be behind: it is being read, or read again.
 * - `attached`: follows every change.
 * - `flushed`: contact was lost for `holdMs`: nothing is forwarded until there is contact again.
 * - `stopped`: for good.
 */
export type ForwarderState = 'attaching' | 'attached' | 'flushed' | 'stopped';

/** How to run a forwarder agent. */
export interface ForwarderOptions {
  /** Aborts the start. */
  readonly signal?: AbortSignal | undefined;
  /** How long the start may take: 1 to 3600000 ms, default 10000. */
  readonly deadlineMs?: number | undefined;
  /** What forwards packets. */
  readonly plane: ForwardingPlane;
  /** The pair names one client; the agent takes no interface. Any u32. */
  readonly protocolId: number;
  /** Any u32. */
  readonly componentId: number;
  /** For people: at most 256 characters. */
  readonly name?: string | undefined;
  /** The lease of its session: 1000 to 300000 ms, default 10000. It should not exceed those of the owners it forwards for. */
  readonly ttlMs?: number | undefined;
  /**
   * How long it forwards without contact to a manager, in ms: 0 to `ttlMs`, which is the default. Then it removes all entries
   * from the forwarding plane. Below 1000 it may be up to 250 ms longer: then a missing answer counts as lost contact.
   */
  readonly holdMs?: number | undefined;
  /** A gate that is armed and committed by the keepalives of the agent. */
  readonly gate?: LeaseGate | undefined;
  /** A flow gets no forwarding entry, and is not asked for again for 10 s: drop its packets. */
  readonly onRefusedFlow?: ((flow: FlowRef, result: RefusedFlow) => void) | undefined;
  /** Called with each new state. */
  readonly onState?: ((state: ForwarderState) => void) | undefined;
  /** Default: none. */
  readonly logger?: Logger | undefined;
}

const DEFAULT_TTL_MS = 10_000;
/** Of a keepalive, in parts of the hold time: one or two may be lost without harm. */
const KEEPALIVES_PER_HOLD = 3;
const KEEPALIVE_MIN_MS = 100;

/** The hold time. Throws `MgmError` `bad-request`. */
export function holdMsOf({ holdMs, ttlMs = DEFAULT_TTL_MS }: ForwarderOptions): number {
  const chosen = holdMs ?? ttlMs;
  if (chosen >= 0 && chosen <= ttlMs) return chosen;
  throw badRequest('holdMs: must be 0 to `ttlMs`', 'holdMs');
}

/** `undefined` if the keepalives of the lease suffice. */
export function keepaliveEveryMsOf(options: ForwarderOptions): number | undefined {
  const { ttlMs = DEFAULT_TTL_MS } = options;
  const holdMs = holdMsOf(options);
  if (holdMs === ttlMs) return undefined;
  return Math.max(holdMs / KEEPALIVES_PER_HOLD, KEEPALIVE_MIN_MS);
}
