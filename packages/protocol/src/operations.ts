/** The operations of wire contract section 3, as they stand in subjects. */
export const OPERATIONS = [
  'register',
  'keepalive',
  'deregister',
  'take',
  'release',
  'owner',
  'validate',
  'interfaces',
  'sessions',
  'events',
  'mailbox',
  'admin.release',
  'admin.evict',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** Operations that leave state, session and log as they are: a failed one may be repeated without a thought. */
export const READS: ReadonlySet<OperationName> = new Set([
  'owner',
  'validate',
  'interfaces',
  'sessions',
  'events',
  'mailbox',
]);

/** Limits of the wire contract, sections 2 and 3. */
export const Limits = {
  /** A larger request is refused unread. */
  messageBytes: 64 * 1024,
  /** Deepest nesting of a message; a request itself needs three levels: map, `interfaces`, pair. */
  nesting: 32,
  /** Interfaces in one bulk request. */
  bulk: 1024,
  /** How far `seq` may be above the session's `ack`: that many answers are kept. */
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
