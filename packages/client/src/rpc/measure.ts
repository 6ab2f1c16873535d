import type { OperationName, SessionId } from '@mgm/protocol';
import type { Logger } from '../options.ts';

/** A request has its reply, or has failed. Several calls of a session may share one request. */
export interface RequestMeasurement {
  readonly kind: 'request';
  readonly router: string;
  readonly operation: OperationName;
  /** `ok`, the reason of a refusal, or the reason of the {@link MgmError} with which it failed. */
  readonly result: string;
  /** From the first attempt to the result, in ms. */
  readonly durationMs: number;
  /** From sending the attempt that was answered last to its reply, in ms; `undefined` if none was answered. */
  readonly roundTripMs: number | undefined;
  /** How often the request was sent after the first time. */
  readonly retries: number;
}

/** A keepalive was answered. */
export interface KeepaliveMeasurement {
  readonly kind: 'keepalive';
  readonly router: string;
  readonly session: SessionId;
  /** How long after this answer the session would have been lost without it, in ms; less than 0 if it came too late. */
  readonly marginMs: number;
  /** The lease, in ms. */
  readonly ttlMs: number;
}

/** What the hook `onMeasure` is called with: `kind` tells which. */
export type Measurement = RequestMeasurement | KeepaliveMeasurement;

/** Calls the hook of the application, whose failure is logged once and has no other effect. */
export function guardedHook(
  onMeasure: (measurement: Measurement) => unknown,
  logger: Logger,
): (measurement: Measurement) => void {
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    logger.warn({ err: error }, 'onMeasure failed; its further failures are not logged');
  };
  return (measurement) => {
    try {
      const result = onMeasure(measurement);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
