/** Limits of the wire contract, sections 2 and 3. */
export const Limits = {
  /** A larger request is refused unread. */
  messageBytes: 64 * 1024,
  /** Deepest nesting of a message; a request itself needs three levels: map, `interfaces`, pair. */
  nesting: 32,
  /** Interfaces in one bulk request. */
  bulk: 1024,
  /** Elements of one bulk `member.add` or `member.delete`. */
  entries: 256,
  /** Sources of `member.set`. */
  filterSources: 512,
  /** Elements of one `rib.set` or `rib.delete`. */
  routes: 256,
  /** Flows of one `flow.new`. */
  flows: 256,
  /** Items of one `flow.stats` or `flow.failed`. */
  reports: 256,
  /** Bytes of a reason in `flow.failed`. */
  failureBytes: 64,
  /** Items of one `flow.wrongif`. */
  hints: 64,
  /** Bytes of a packet header in `flow.new` or `flow.wrongif`. */
  headerBytes: 128,
  /** Bytes of an answer to a question; a larger one counts as none. */
  answerBytes: 256 * 1024,
  /** Life of a forwarding entry that `mfe.set` may set; `keep` leaves it. */
  mfeTimeoutMs: { keep: 0, min: 1_000, max: 86_400_000 },
  /** Names in `alerts` of `register`. */
  alerts: 32,
  /** How far `seq` may be above the session's `ack`: the size of the reply window. */
  window: 4096,
  pageItems: 1000,
  defaultPageItems: 256,
  handleBytes: 64,
  ttlMs: { min: 1_000, max: 300_000, default: 10_000 },
  graceMs: { min: 0, max: 3_600_000, default: 0 },
  instance: { min: 16, max: 64 },
  /** Characters of `name`, `actor` and `why`. */
  text: 256,
  cursor: 128,
} as const;
