import { OPERATIONS, routerName, type Subjects } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import type { Figures } from './figures.ts';

export interface ServiceStatsParts {
  readonly subjects: Subjects;
  readonly figures: Figures;
  readonly store: Pick<Store, 'head' | 'state'>;
  /** Why requests should go to another replica; empty when they may come here. */
  readonly notReadyBecause: readonly string[];
}

/** Nobody uses it, and asking for the head of a router that nobody uses leaves nothing in the store. */
const NOBODYS_ROUTER = routerName('-');

/** The operation whose endpoint also tells of the replica as a whole. */
const [FIRST] = OPERATIONS;

/**
 * What `$SRV.STATS` tells in `data` of an endpoint (wire protocol section 1): the figures of its operation, and once per answer
 * the state of the replica. To know that, it asks the store as a request would; so an answer without `trouble` says that
 * requests are decided, and `storeClockMs` is the store's time between question and answer.
 */
export async function endpointStats(
  { subjects, figures, store, notReadyBecause }: ServiceStatsParts,
  subject: string,
): Promise<object> {
  const operation = OPERATIONS.find((name) => subjects.anyRouter(name) === subject);
  const { failed = 0, times } = (operation && figures.operations.get(operation)) ?? {};
  const answered = times?.count ?? 0;
  const meanMs = times && answered > 0 ? times.sum / answered : 0;
  const replica = operation === FIRST && (await replicaState(store, notReadyBecause));
  return { answered, failed, meanMs, ...(replica && { replica }) };
}

async function replicaState(
  store: ServiceStatsParts['store'],
  notReadyBecause: ServiceStatsParts['notReadyBecause'],
): Promise<object> {
  const server = store.state.kind === 'ready' ? { store: store.state.server } : {};
  try {
    const { head } = await store.head(NOBODYS_ROUTER);
    return { ...server, trouble: notReadyBecause, storeClockMs: head.ts };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...server, trouble: notReadyBecause.length > 0 ? notReadyBecause : [reason] };
  }
}
