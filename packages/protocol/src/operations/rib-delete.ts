import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Deletes routes of the session's client from the multicast view. */
export const ribDelete = SEQUENCED satisfies OperationFlags;

export { ribDeleteRequest } from './route-fields.ts';
export type { RouteChangeReply as RibDeleteReply } from './route-fields.ts';
