import type { Mfe } from '@mgm/protocol';
import type { MfeCounters } from '../forwarding/flows.ts';

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
