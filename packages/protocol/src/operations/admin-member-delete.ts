import type { OperationFlags } from './flags.ts';

/** An operator removes a static membership. Not repeated by itself: it may have been configured again meanwhile. */
export const adminMemberDelete = {} as const satisfies OperationFlags;

export { staticMembershipRequest as adminMemberDeleteRequest } from './admin-member-add.ts';
