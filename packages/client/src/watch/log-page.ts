import { demand, type Context } from '../rpc/context.ts';
import { isMgmError } from '../errors.ts';
import type { Success } from '../rpc/replies.ts';

/** Events after a revision, as the `events` operation answers. */
export type LogPage = Success<'events'>;

/** As many as the wire contract allows: who reads the log has something to catch up with. */
const PAGE_ITEMS = 1_000;

/** A page of the log after a revision; `compacted` where the log begins later. */
export async function readLog(
  context: Context,
  from: number,
  signal: AbortSignal,
  limit = PAGE_ITEMS,
): Promise<LogPage | 'compacted'> {
  try {
    return await demand(context, 'events', { from, limit }, { signal });
  } catch (error) {
    if (isMgmError(error, 'compacted')) return 'compacted';
    throw error;
  }
}
