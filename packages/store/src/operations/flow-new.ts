import type { FlowElement, FlowResult } from '@mgm/protocol';
import { wireMfe } from '../forwarding-messages.ts';
import type { FlowOutcome } from '../generated/arbiter.ts';
import { readHandle } from '../names.ts';
import { ScriptReplyError } from '../script-values.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused, STORE_FULL } from './refusals.ts';

export const flowNew: StoreOperation<'flow.new', 'flow_new'> = {
  script: 'flow_new',
  args: ({ handle, flows }) => ({
    handle: readHandle(handle),
    names: flows.map((flow) => (flow.kind === 'flow' ? flow.name : '')),
    asks: false,
    silent: [],
  }),
  reply: ({ reply }, { flows }) => {
    if (reply.kind === 'store_full') return STORE_FULL;
    if (reply.kind !== 'flows') return sessionRefused(reply);
    return { status: 0, results: flows.map((flow, at) => resultOf(flow, reply.results[at])) };
  },
};

/** How long the creation of a forwarding entry takes at most, in ms. */
const CREATION_MS = 500;

/** What a flow gets whose entry other managers are creating. */
const PENDING = { state: 'pending', retryAfterMs: CREATION_MS } as const;

/** The result of a flow for which no session is asked, or no more. */
export function resultOf(flow: FlowElement, outcome: FlowOutcome | undefined): FlowResult {
  if (flow.kind === 'local') return { state: 'local' };
  if (flow.kind === 'refused') {
    return { state: 'refused', reason: 'bad-request', field: flow.field };
  }
  switch (outcome?.kind) {
    case 'created': {
      const mfe = wireMfe(outcome.mfe);
      return { state: mfe.oifCount === 0 ? 'negative' : 'installed', mfe };
    }
    case 'known':
      return { state: 'known', mfe: wireMfe(outcome.mfe) };
    case 'pending':
      return PENDING;
    case 'limit':
      return { state: 'refused', reason: 'limit' };
    default:
      throw new ScriptReplyError('a flow without an outcome');
  }
}
