import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused, STORE_FULL } from './refusals.ts';

export const flowFailed: StoreOperation<'flow.failed', 'flow_failed'> = {
  script: 'flow_failed',
  args: ({ handle, items }) => ({
    handle: readHandle(handle),
    names: items.map(({ name }) => name),
    incarnations: items.map(({ incarnation }) => incarnation),
    reasons: items.map(({ reason }) => reason),
  }),
  reply: ({ reply }) => {
    if (reply.kind === 'store_full') return STORE_FULL;
    if (reply.kind !== 'counted') return sessionRefused(reply);
    return { status: 0, count: reply.count };
  },
};
