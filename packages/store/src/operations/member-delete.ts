import { memberArgs, memberReply } from './member-change.ts';
import type { StoreOperation } from './operation.ts';

export const memberDelete: StoreOperation<'member.delete', 'member_delete'> = {
  script: 'member_delete',
  args: memberArgs,
  reply: ({ reply }, request) => memberReply('member.delete', reply, request),
};
