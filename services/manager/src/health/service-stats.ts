import { OPERATIONS, routerName, type Subjects } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import type { Metrics } from './metrics.ts';

export interface ServiceStatsParts {
  readonly subjects: Subjects;
  readonly metrics: Metrics;
  readonly store: Pick<Store, 'head' | 'state'>;
  readonly storeId: string | undefined;
  /** Why requests should go to another replica; empty while this one is ready. */
  readonly notReadyBecause: readonly string[];
}

/** A router that is never used: reading its head leaves nothing in the store. */
const UNUSED_ROUTER = routerName('-');

/** The operation whose endpoint also describes the replica as a whole. */
const [FIRST] = OPERATIONS;

/**
 * `data` of an endpoint in `$SRV.STATS` (wire protocol, section 1): the totals of its operation and, in one endpoint, the state
 * of the replica. That state comes from a request to the store, so `trouble: []` means that requests are decided, and
 * `storeClockMs` is the time of the store between the `$SRV.STATS` request and its reply.
 */
export async function endpointStats(parts: ServiceStatsParts, subject: string): Promise<object> {
  const { subjects, metrics } = parts;
  const operation = OPERATIONS.find((name) => subjects.anyRouter(name) === subject);
  if (operation === undefined) return {};
  const { replied, failed, meanMs } = await metrics.totals(operation);
  const replica = operation === FIRST && (await replicaState(parts));
  return { answered: replied, failed, meanMs, ...(replica && { replica }) };
}

async function replicaState({
  store,
  storeId,
  notReadyBecause,
}: ServiceStatsParts): Promise<object> {
  const about = {
    ...(store.state.kind === 'ready' && { store: store.state.server }),
    ...(storeId !== undefined && { storeId }),
  };
  try {
    const { head } = await store.head(UNUSED_ROUTER);
    return { ...about, trouble: notReadyBecause, storeClockMs: head.ts };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...about, trouble: notReadyBecause.length > 0 ? notReadyBecause : [reason] };
  }
}
