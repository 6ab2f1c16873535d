import { entryName, refusal, type Request } from '@mgm/protocol';
import type { AdminMemberAddArgs } from '../generated/arbiter.ts';
import { describeInterface } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED, STORE_FULL } from './refusals.ts';

export const adminMemberAdd: StoreOperation<'admin.member.add', 'admin_member_add'> = {
  script: 'admin_member_add',
  args: staticArgs,
  reply: ({ reply }, request) => {
    switch (reply.kind) {
      case 'done':
        return { status: 0, changed: reply.changed, mrev: reply.mrev };
      case 'not_permitted':
        return NOT_PERMITTED;
      case 'store_full':
        return STORE_FULL;
      case 'limit':
        return refusal(
          'limit',
          `${describeInterface(request)}, or the router, has as many memberships as it may have`,
        );
    }
  },
};

/** The arguments that `admin.member.add` and `admin.member.delete` share. */
export function staticArgs({
  ifIndex,
  nextHop,
  group,
  source,
  actor,
  why,
}: Request<'admin.member.add' | 'admin.member.delete'>): AdminMemberAddArgs {
  return { interface: { ifIndex, nextHop }, entry: entryName({ group, source }), actor, why };
}
