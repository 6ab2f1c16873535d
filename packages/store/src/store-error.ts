/** Why the store could not decide, and whether the effect may have happened. */
export type StoreErrorCode =
  /** Not sent: nothing happened, it may be retried. */
  | 'unavailable'
  /** Sent without a reply: it may or may not have happened. Repeat the same `seq` to find out. */
  | 'indeterminate'
  /** Redis refused the write for memory: nothing happened. */
  | 'store-full'
  /** Too many operations are queued: nothing happened. */
  | 'overloaded'
  /** A key holds data that is not ours; the message names it. Nothing happened. */
  | 'corrupt'
  /** The data was written by a newer version. Nothing happened. */
  | 'schema';

/** The store could not decide. `code` is stable, the message is for people. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** `overloaded`: when to retry, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'StoreError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
