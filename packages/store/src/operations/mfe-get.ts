import { refusal } from '@mgm/protocol';
import { wireMfe } from '../forwarding-messages.ts';
import type { StoreOperation } from './operation.ts';

export const mfeGet: StoreOperation<'mfe.get', 'mfe_get'> = {
  script: 'mfe_get',
  args: ({ name }) => ({ name }),
  reply: ({ reply, batch }) => {
    if (reply.kind === 'none')
      return refusal('notFound', 'there is no forwarding entry of this flow');
    return { status: 0, mfe: wireMfe(reply.mfe), frev: batch.view.frev };
  },
};
