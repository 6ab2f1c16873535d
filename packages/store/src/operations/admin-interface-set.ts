import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED, STORE_FULL } from './refusals.ts';

/** For a setting that stays. */
const ABSENT = -1;

export const adminInterfaceSet: StoreOperation<'admin.interface.set', 'admin_interface_set'> = {
  script: 'admin_interface_set',
  args: ({ ifIndex, nextHop, maxGroups, maxEntries, lite, actor, why }) => ({
    interface: { ifIndex, nextHop },
    maxGroups: maxGroups ?? ABSENT,
    maxEntries: maxEntries ?? ABSENT,
    lite: lite === undefined ? ABSENT : Number(lite),
    actor,
    why,
  }),
  reply: ({ reply }) => {
    if (reply.kind === 'not_permitted') return NOT_PERMITTED;
    if (reply.kind === 'store_full') return STORE_FULL;
    const { changed, maxGroups, maxEntries, lite } = reply;
    return { status: 0, changed, maxGroups, maxEntries, lite };
  },
};
