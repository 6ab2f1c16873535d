import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Sets routes of the session's client in the multicast view. */
export const ribSet = SEQUENCED satisfies OperationFlags;

export { ribSetRequest } from './route-fields.ts';
export type { RouteChangeReply as RibSetReply } from './route-fields.ts';
