import { refusal } from '@mgm/protocol';
import { programmedUpTo, reportedMfe } from '../forwarding-messages.ts';
import type { StoreOperation } from './operation.ts';

export const mfeGet: StoreOperation<'mfe.get', 'mfe_get'> = {
  script: 'mfe_get',
  args: ({ name }) => ({ name }),
  reply: ({ reply, batch }) => {
    if (reply.kind === 'none')
      return refusal('notFound', 'there is no forwarding entry of this flow');
    const { mfe, failed, programmed } = reply;
    const { frev } = batch.view;
    return { status: 0, mfe: reportedMfe(mfe, failed), frev, ...programmedUpTo(programmed) };
  },
};
