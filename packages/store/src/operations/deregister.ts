import { refusal } from '@mgm/protocol';
import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { changeRefused } from './refusals.ts';

export const deregister: StoreOperation<'deregister', 'deregister'> = {
  script: 'deregister',
  args: ({ handle, seq, ack, force }) => ({ handle: readHandle(handle), seq, ack, force }),
  reply: ({ reply }) => {
    if (reply.kind === 'deregistered') return { status: 0 };
    if (reply.kind === 'owns_interfaces') {
      return refusal(
        'ownsInterfaces',
        `still owns ${reply.owned} interface${reply.owned === 1 ? '' : 's'}: release them first, or use \`force\``,
      );
    }
    return changeRefused(reply);
  },
};
