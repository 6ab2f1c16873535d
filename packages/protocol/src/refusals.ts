import { Refusals, statusName, type RefusalName } from './codes.ts';
import type { RefusalFields } from './replies.ts';

type RefusalDetail = Omit<RefusalFields, 'status' | 'error' | 'reason' | 'message'>;

/** A refusal as replies carry it: status, error and reason from the table, the message and details from the caller. */
export function refusal(
  name: RefusalName,
  message: string,
  detail: RefusalDetail = {},
): RefusalFields {
  const { status, reason } = Refusals[name];
  return { status, error: statusName(status), reason, message, ...detail };
}
