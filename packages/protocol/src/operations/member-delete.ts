import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Deletes group memberships of the session. */
export const memberDelete = SEQUENCED satisfies OperationFlags;

export { memberChangeRequest as memberDeleteRequest } from './member-fields.ts';
export type { MemberChangeReply as MemberDeleteReply } from './member-fields.ts';
