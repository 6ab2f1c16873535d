import { refusal } from '@mgm/protocol';
import { describeInterface } from '../names.ts';
import { wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';

export const owner: StoreOperation<'owner', 'owner'> = {
  script: 'owner',
  args: ({ ifIndex, nextHop }) => ({ interface: { ifIndex, nextHop } }),
  reply: ({ reply }, request) =>
    reply.kind === 'held'
      ? { status: 0, ...wireHolder(reply.holder) }
      : refusal('notFound', `no client owns ${describeInterface(request)}`),
};
