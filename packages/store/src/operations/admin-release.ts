import { refusal } from '@mgm/protocol';
import { interfaceName } from '../names.ts';
import { wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';

export const adminRelease: StoreOperation<'admin.release', 'admin_release'> = {
  script: 'admin_release',
  args: ({ ifIndex, nextHop, actor, why }) => ({ interface: { ifIndex, nextHop }, actor, why }),
  reply: ({ reply }, request) =>
    reply.kind === 'released'
      ? { status: 0, previous: wireHolder(reply.previous) }
      : refusal('notFound', `no client owns ${interfaceName(request)}`),
};
