import { operationsWith, refusal, type OperationName, type RefusalFields } from '@mgm/protocol';
import { StoreError } from '@mgm/store';

/** Membership contract, section 9. */
const SCHEMA_RETRY_MS = 100;

const HARMLESS = operationsWith('harmless');

/** The refusal of a request that the store did not decide. Wire protocol, section 2. */
export function refusalFor(error: unknown, operation: OperationName): RefusalFields {
  if (!(error instanceof StoreError)) return unknownOutcome(operation, 'the manager failed');
  const { code, message, retryAfterMs } = error;
  switch (code) {
    case 'unavailable':
      return unavailable(message);
    case 'indeterminate':
      return unknownOutcome(operation, message);
    case 'store-full':
      return refusal('storeFull', message);
    case 'overloaded':
      return refusal('overloaded', message, {
        retryable: true,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    case 'schema':
      // The repeat reaches a random manager: sessions live on while one of the right version serves.
      return refusal('unavailable', message, { retryable: true, retryAfterMs: SCHEMA_RETRY_MS });
    case 'corrupt':
      return refusal('unavailable', message, { retryable: false });
  }
}

/**
 * The kind of an error that a person should look into; `undefined` for an unreachable store, which is logged once when the
 * connection is lost and not with each request.
 */
export function troubleKind(error: unknown): string | undefined {
  if (!(error instanceof StoreError)) return 'bug';
  return error.code === 'unavailable' || error.code === 'indeterminate' ? undefined : error.code;
}

/** The request was executed, but its reply exceeds the payload limit of the NATS server. */
export function tooLarge(operation: OperationName, limit: number): RefusalFields {
  const message = `the reply is larger than the max_payload of NATS, ${limit} bytes: raise it`;
  if (HARMLESS.has(operation)) return refusal('unavailable', message, { retryable: false });
  return refusal('indeterminate', message);
}

/** Nothing happened; the request may be repeated. */
function unavailable(message: string): RefusalFields {
  return refusal('unavailable', message, { retryable: true });
}

function unknownOutcome(operation: OperationName, message: string): RefusalFields {
  return HARMLESS.has(operation) ? unavailable(message) : refusal('indeterminate', message);
}
