import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Adds group memberships on interfaces that the session holds. */
export const memberAdd = SEQUENCED satisfies OperationFlags;

export { memberChangeRequest as memberAddRequest } from './member-fields.ts';
export type { MemberChangeReply as MemberAddReply } from './member-fields.ts';
