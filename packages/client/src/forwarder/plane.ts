import type { Mfe } from '@mgm/protocol';

/**
 * What forwards packets: the multicast routing table of a kernel, an ASIC, or a test. A `ForwarderAgent` calls its methods
 * one at a time; each may return a promise, and the next call waits for it. A `set` or `delete` that throws
 * fails for its entry only: it is reported to operators and tried again every 10 s.
 */
export interface ForwardingPlane {
  /**
   * Installs the entry of an (s,g), or replaces it as a whole: incoming interface and all outgoing ones. Without `oifs` its
   * packets are dropped. A new incarnation of an (s,g) follows a `delete` of the former one.
   */
  set(mfe: Mfe): void | Promise<void>;
  /** Removes an entry; one that is not there is no failure. */
  delete(mfe: Mfe): void | Promise<void>;
  /** Removes all entries, also those that a former process left. Called at the start, too; if it throws, it is repeated. */
  flush(): void | Promise<void>;
}
