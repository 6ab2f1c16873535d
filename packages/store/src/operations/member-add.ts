import { memberArgs, memberReply } from './member-change.ts';
import type { StoreOperation } from './operation.ts';

export const memberAdd: StoreOperation<'member.add', 'member_add'> = {
  script: 'member_add',
  args: memberArgs,
  reply: ({ reply }, request) => memberReply('member.add', reply, request),
};
