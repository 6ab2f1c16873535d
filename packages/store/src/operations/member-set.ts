import { entryName, refusal, sourceList } from '@mgm/protocol';
import { interfaceName, readHandle } from '../names.ts';
import { otherEpoch, ownedByAnother } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { changeRefused } from './refusals.ts';

export const memberSet: StoreOperation<'member.set', 'member_set'> = {
  script: 'member_set',
  args: ({ handle, seq, ack, ifIndex, nextHop, mode, any, sources, epoch = '' }) => {
    const group = entryName(any);
    return {
      handle: readHandle(handle),
      seq,
      ack,
      interface: { ifIndex, nextHop },
      group,
      entries: mode === 'exclude' ? [group] : sources.map(entryName),
      exclude: mode === 'exclude' ? sourceList(sources) : '',
      epoch,
    };
  },
  reply: ({ reply }, on) => {
    switch (reply.kind) {
      case 'replaced': {
        const { kind: _, ...changes } = reply;
        return { status: 0, ...changes };
      }
      case 'not_found':
        return refusal('unknownInterface', `no session is on ${interfaceName(on)}`);
      case 'not_owner':
        return ownedByAnother(reply.holder);
      case 'other_epoch':
        return otherEpoch(reply.current);
      case 'limit':
        return refusal(
          'limit',
          'the router has as many entries, or holds with memberships, as it may have',
        );
      default:
        return changeRefused(reply);
    }
  },
};
