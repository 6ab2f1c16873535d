import type { OperationName } from '@mgm/protocol';
import type { ArbiterOperation } from '../generated/arbiter.ts';
import { adminEndHoldoff } from './admin-end-holdoff.ts';
import { adminEvents } from './admin-events.ts';
import { adminEvict } from './admin-evict.ts';
import { adminInterfaceSet } from './admin-interface-set.ts';
import { adminMemberAdd } from './admin-member-add.ts';
import { adminMemberDelete } from './admin-member-delete.ts';
import { adminRelease } from './admin-release.ts';
import { agents } from './agents.ts';
import { deregister } from './deregister.ts';
import { events } from './events.ts';
import { fib } from './fib.ts';
import { interfaceSet } from './interface-set.ts';
import { interfaces } from './interfaces.ts';
import { flowFailed } from './flow-failed.ts';
import { flowNew } from './flow-new.ts';
import { flowStats } from './flow-stats.ts';
import { flowWrongIf } from './flow-wrongif.ts';
import { groups } from './groups.ts';
import { keepalive } from './keepalive.ts';
import { mailbox } from './mailbox.ts';
import { memberAdd } from './member-add.ts';
import { memberDelete } from './member-delete.ts';
import { memberSet } from './member-set.ts';
import { memberEvents } from './member-events.ts';
import { members } from './members.ts';
import { mfeGet } from './mfe-get.ts';
import { mfeList } from './mfe-list.ts';
import { mfeSet } from './mfe-set.ts';
import { mfeStats } from './mfe-stats.ts';
import type { StoreOperation } from './operation.ts';
import { owner } from './owner.ts';
import { register } from './register.ts';
import { release } from './release.ts';
import { ribDelete } from './rib-delete.ts';
import { ribList } from './rib-list.ts';
import { ribResolve } from './rib-resolve.ts';
import { ribSet } from './rib-set.ts';
import { sessions } from './sessions.ts';
import { take } from './take.ts';
import { validate } from './validate.ts';

/** The store's side of every operation of the wire contract. */
export const STORE_OPERATIONS: {
  readonly [Name in OperationName]: StoreOperation<Name, ArbiterOperation>;
} = {
  register,
  keepalive,
  deregister,
  take,
  release,
  owner,
  validate,
  interfaces,
  sessions,
  events,
  mailbox,
  'admin.release': adminRelease,
  'admin.evict': adminEvict,
  'admin.end-holdoff': adminEndHoldoff,
  'admin.events': adminEvents,
  'member.add': memberAdd,
  'member.delete': memberDelete,
  groups,
  members,
  'member.events': memberEvents,
  'interface.set': interfaceSet,
  'member.set': memberSet,
  'rib.set': ribSet,
  'rib.delete': ribDelete,
  'rib.resolve': ribResolve,
  'rib.list': ribList,
  'flow.new': flowNew,
  'flow.stats': flowStats,
  'flow.wrongif': flowWrongIf,
  'flow.failed': flowFailed,
  'mfe.get': mfeGet,
  'mfe.list': mfeList,
  'mfe.stats': mfeStats,
  fib,
  'mfe.set': mfeSet,
  agents,
  'admin.member.add': adminMemberAdd,
  'admin.member.delete': adminMemberDelete,
  'admin.interface.set': adminInterfaceSet,
};
