import { refusal } from '@mgm/protocol';
import { describeInterface } from '../names.ts';
import { staticArgs } from './admin-member-add.ts';
import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED } from './refusals.ts';

export const adminMemberDelete: StoreOperation<'admin.member.delete', 'admin_member_delete'> = {
  script: 'admin_member_delete',
  args: staticArgs,
  reply: ({ reply }, request) => {
    if (reply.kind === 'done') return { status: 0, changed: true, mrev: reply.mrev };
    if (reply.kind === 'not_permitted') return NOT_PERMITTED;
    return refusal('notFound', `no such static membership on ${describeInterface(request)}`);
  },
};
