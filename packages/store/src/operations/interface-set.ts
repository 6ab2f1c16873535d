import { refusal } from '@mgm/protocol';
import { interfaceName, readHandle } from '../names.ts';
import { otherEpoch, ownedByAnother } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { changeRefused } from './refusals.ts';

export const interfaceSet: StoreOperation<'interface.set', 'interface_set'> = {
  script: 'interface_set',
  args: ({ handle, seq, ack, ifIndex, nextHop, epoch = '', localMembers = '', wrongIf = '' }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    interface: { ifIndex, nextHop },
    epoch,
    localMembers,
    wrongIf: String(wrongIf),
  }),
  reply: ({ reply }, on) => {
    switch (reply.kind) {
      case 'set':
        return { status: 0, changed: reply.changed };
      case 'not_found':
        return refusal('unknownInterface', `no session is on ${interfaceName(on)}`);
      case 'not_owner':
        return ownedByAnother(reply.holder);
      case 'other_epoch':
        return otherEpoch(reply.current);
      default:
        return changeRefused(reply);
    }
  },
};
