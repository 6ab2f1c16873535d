import { operationsWith, refusal, type OperationName, type RefusalFields } from '@mgm/protocol';
import { StoreError } from '@mgm/store';

const HARMLESS = operationsWith('harmless');

/** What is answered when the store did not decide: the refusal of wire contract section 2 that fits the error. */
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
    case 'corrupt':
    case 'schema':
      return refusal('unavailable', message, { retryable: false });
  }
}

/**
 * A name for what a person should look into, where the error is of that sort. That the store cannot be reached is told
 * once, when it happens; a request refused for it says nothing new.
 */
export function troubleKind(error: unknown): string | undefined {
  if (!(error instanceof StoreError)) return 'bug';
  return error.code === 'unavailable' || error.code === 'indeterminate' ? undefined : error.code;
}

/** Nothing happened, and it may be tried again. */
function unavailable(message: string): RefusalFields {
  return refusal('unavailable', message, { retryable: true });
}

/** The request was executed, but its answer does not fit into a message of this NATS server. */
export function tooLarge(operation: OperationName, bytes: number, most: number): RefusalFields {
  const message = `the answer is ${bytes} bytes, and NATS takes ${most}: ask for less at once, or raise max_payload`;
  if (HARMLESS.has(operation)) return refusal('unavailable', message, { retryable: false });
  return refusal('indeterminate', message);
}

function unknownOutcome(operation: OperationName, message: string): RefusalFields {
  return HARMLESS.has(operation) ? unavailable(message) : refusal('indeterminate', message);
}
