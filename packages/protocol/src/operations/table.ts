import type * as v from 'valibot';
import type { RefusalFields } from '../errors.ts';
import type { Revision } from '../ids.ts';
import { register, registerRequest, type RegisterReply } from './register.ts';
import { keepalive, keepaliveRequest, type KeepaliveReply } from './keepalive.ts';
import { deregister, deregisterRequest } from './deregister.ts';
import { take, takeRequest, type TakeReply } from './take.ts';
import { release, releaseRequest, type ReleaseReply } from './release.ts';
import { owner, ownerRequest, type OwnerReply } from './owner.ts';
import { validate, validateRequest, type ValidateReply } from './validate.ts';
import { interfaces, interfacesRequest, type InterfacesReply } from './interfaces.ts';
import { sessions, sessionsRequest, type SessionsReply } from './sessions.ts';
import { events, eventsRequest, type EventsReply } from './events.ts';
import { mailbox, mailboxRequest, type MailboxReply } from './mailbox.ts';
import { adminRelease, adminReleaseRequest, type AdminReleaseReply } from './admin-release.ts';
import { adminEvict, adminEvictRequest, type AdminEvictReply } from './admin-evict.ts';
import { memberAdd, memberAddRequest, type MemberAddReply } from './member-add.ts';
import { memberDelete, memberDeleteRequest, type MemberDeleteReply } from './member-delete.ts';
import { groups, groupsRequest, type GroupsReply } from './groups.ts';
import { members, membersRequest, type MembersReply } from './members.ts';
import { memberEvents, memberEventsRequest, type MemberEventsReply } from './member-events.ts';
import { memberSet, memberSetRequest, type MemberSetReply } from './member-set.ts';
import { interfaceSet, interfaceSetRequest, type InterfaceSetReply } from './interface-set.ts';
import { ribSet, ribSetRequest, type RibSetReply } from './rib-set.ts';
import { ribDelete, ribDeleteRequest, type RibDeleteReply } from './rib-delete.ts';
import { ribResolve, ribResolveRequest, type RibResolveReply } from './rib-resolve.ts';
import { ribList, ribListRequest, type RibListReply } from './rib-list.ts';
import { flowNew, flowNewRequest, type FlowNewReply } from './flow-new.ts';
import { flowStats, flowStatsRequest, type FlowStatsReply } from './flow-stats.ts';
import { flowWrongIf, flowWrongIfRequest, type FlowWrongIfReply } from './flow-wrongif.ts';
import { flowFailed, flowFailedRequest, type FlowFailedReply } from './flow-failed.ts';
import { agents, agentsRequest, type AgentsReply } from './agents.ts';
import { mfeGet, mfeGetRequest, type MfeGetReply } from './mfe-get.ts';
import { fib, fibRequest, type FibReply } from './fib.ts';
import { mfeList, mfeListRequest, type MfeListReply } from './mfe-list.ts';
import { mfeStats, mfeStatsRequest, type MfeStatsReply } from './mfe-stats.ts';
import { mfeSet, mfeSetRequest, type MfeSetReply } from './mfe-set.ts';
import {
  adminEndHoldoff,
  adminEndHoldoffRequest,
  type AdminEndHoldoffReply,
} from './admin-end-holdoff.ts';
import {
  adminInterfaceSet,
  adminInterfaceSetRequest,
  type AdminInterfaceSetReply,
} from './admin-interface-set.ts';
import {
  adminMemberAdd,
  adminMemberAddRequest,
  type StaticMembershipReply,
} from './admin-member-add.ts';
import { adminMemberDelete, adminMemberDeleteRequest } from './admin-member-delete.ts';
import { adminEvents, adminEventsRequest, type AdminEventsReply } from './admin-events.ts';
import type { FieldChecks, OperationFlags } from './flags.ts';
import { holderChecks } from './holder.ts';

/** The operations of the membership contract, section 4. */
export const membershipOperations = {
  'member.add': memberAdd,
  'member.delete': memberDelete,
  groups,
  members,
  'member.events': memberEvents,
} as const satisfies Record<string, OperationFlags>;

/** The operations of the forwarding contract. */
export const forwardingOperations = {
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
  'mfe.set': mfeSet,
  fib,
  'admin.member.add': adminMemberAdd,
  'admin.member.delete': adminMemberDelete,
  'admin.interface.set': adminInterfaceSet,
  agents,
} as const satisfies Record<string, OperationFlags>;

/**
 * Every operation of wire contract section 3 and of the membership and forwarding contracts with its flags, by its name in
 * subjects and in the order of the documentation.
 */
export const operations = {
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
  ...membershipOperations,
  ...forwardingOperations,
} as const satisfies Record<string, OperationFlags>;

export type OperationName = keyof typeof operations;

/**
 * The request schemas without those that the client library is bundled without: of operations whose requests it shares among
 * its calls, where it checks each call by itself, because a wrong argument must not fail the other calls; and of `keepalive`
 * and `deregister`, whose fields it sets itself.
 */
export const unsharedRequestSchemas = {
  register: registerRequest,
  owner: ownerRequest,
  validate: validateRequest,
  interfaces: interfacesRequest,
  sessions: sessionsRequest,
  events: eventsRequest,
  mailbox: mailboxRequest,
  'admin.release': adminReleaseRequest,
  'admin.evict': adminEvictRequest,
  'admin.end-holdoff': adminEndHoldoffRequest,
  'admin.events': adminEventsRequest,
  groups: groupsRequest,
  members: membersRequest,
  'member.events': memberEventsRequest,
  'interface.set': interfaceSetRequest,
  'member.set': memberSetRequest,
  'rib.resolve': ribResolveRequest,
  'rib.list': ribListRequest,
  'flow.new': flowNewRequest,
  'flow.stats': flowStatsRequest,
  'flow.wrongif': flowWrongIfRequest,
  'flow.failed': flowFailedRequest,
  'mfe.get': mfeGetRequest,
  'mfe.list': mfeListRequest,
  'mfe.stats': mfeStatsRequest,
  'mfe.set': mfeSetRequest,
  fib: fibRequest,
  agents: agentsRequest,
  'admin.member.add': adminMemberAddRequest,
  'admin.member.delete': adminMemberDeleteRequest,
  'admin.interface.set': adminInterfaceSetRequest,
} as const satisfies Partial<Record<OperationName, v.GenericSchema>>;

/** An operation whose requests the client library checks by their schemas. */
export type UnsharedOperation = keyof typeof unsharedRequestSchemas;

/** The request schema of every operation. */
export const requestSchemas = {
  ...unsharedRequestSchemas,
  keepalive: keepaliveRequest,
  deregister: deregisterRequest,
  take: takeRequest,
  release: releaseRequest,
  'member.add': memberAddRequest,
  'member.delete': memberDeleteRequest,
  'rib.set': ribSetRequest,
  'rib.delete': ribDeleteRequest,
} as const satisfies Record<OperationName, v.GenericSchema>;

/** What the reply to each operation carries when `status` is 0, besides `status` and `rev`. */
export interface ReplyFields {
  register: RegisterReply;
  keepalive: KeepaliveReply;
  deregister: object;
  take: TakeReply;
  release: ReleaseReply;
  owner: OwnerReply;
  validate: ValidateReply;
  interfaces: InterfacesReply;
  sessions: SessionsReply;
  events: EventsReply;
  mailbox: MailboxReply;
  'admin.release': AdminReleaseReply;
  'admin.evict': AdminEvictReply;
  'admin.end-holdoff': AdminEndHoldoffReply;
  'admin.events': AdminEventsReply;
  'member.add': MemberAddReply;
  'member.delete': MemberDeleteReply;
  groups: GroupsReply;
  members: MembersReply;
  'member.events': MemberEventsReply;
  'interface.set': InterfaceSetReply;
  'member.set': MemberSetReply;
  'rib.set': RibSetReply;
  'rib.delete': RibDeleteReply;
  'rib.resolve': RibResolveReply;
  'rib.list': RibListReply;
  'flow.new': FlowNewReply;
  'flow.stats': FlowStatsReply;
  'flow.wrongif': FlowWrongIfReply;
  'flow.failed': FlowFailedReply;
  'mfe.get': MfeGetReply;
  'mfe.list': MfeListReply;
  'mfe.stats': MfeStatsReply;
  'mfe.set': MfeSetReply;
  fib: FibReply;
  agents: AgentsReply;
  'admin.member.add': StaticMembershipReply;
  'admin.member.delete': StaticMembershipReply;
  'admin.interface.set': AdminInterfaceSetReply;
}

const memberChangeChecks = {
  changed: 'unchecked',
  matched: 'unchecked',
  count: 'unchecked',
  failed: 'unchecked',
  mrev: 'count',
} as const;

const routeChangeChecks = { count: 'count', failed: 'list', rrev: 'count' } as const;

const membershipPageChecks = {
  cursor: 'unchecked',
  mrev: 'count',
  settled: 'count',
  log: 'unchecked',
} as const;

/** Every field of these replies, with the check that a client makes. */
export const replyFields = {
  register: {
    handle: 'text',
    session: 'count',
    ttlMs: 'positive',
    graceMs: 'unchecked',
    mailbox: 'count',
    resumed: 'unchecked',
    owned: 'unchecked',
    epoch: 'unchecked',
    alerts: 'unchecked',
  },
  keepalive: { ttlMs: 'positive', mailbox: 'count' },
  deregister: {},
  take: { epoch: 'unchecked', results: 'unchecked' },
  release: { results: 'unchecked' },
  owner: holderChecks,
  validate: { current: 'text' },
  interfaces: { items: 'list', cursor: 'unchecked', log: 'unchecked' },
  sessions: { items: 'list', cursor: 'unchecked' },
  events: { events: 'list', head: 'unchecked', first: 'unchecked', log: 'unchecked' },
  mailbox: { messages: 'list', head: 'unchecked' },
  'admin.release': { previous: 'unchecked' },
  'admin.evict': { released: 'unchecked' },
  'admin.end-holdoff': { leftMs: 'unchecked' },
  'admin.events': { events: 'list', head: 'unchecked', first: 'unchecked' },
  'member.add': memberChangeChecks,
  'member.delete': memberChangeChecks,
  groups: { items: 'list', mailbox: 'unchecked', ...membershipPageChecks },
  members: { items: 'list', ...membershipPageChecks },
  'member.events': { events: 'list', head: 'count', first: 'count', log: 'text' },
  'interface.set': { changed: 'unchecked' },
  'member.set': { added: 'count', removed: 'count', updated: 'unchecked', mrev: 'count' },
  'rib.set': routeChangeChecks,
  'rib.delete': routeChangeChecks,
  'rib.resolve': {
    network: 'text',
    length: 'count',
    ifIndex: 'positive',
    nextHop: 'text',
    neighbour: 'text',
    protocolId: 'count',
    owner: 'unchecked',
  },
  'rib.list': { items: 'list', cursor: 'unchecked', rrev: 'count', log: 'text' },
  'flow.new': { results: 'list' },
  'flow.stats': { count: 'count' },
  'flow.wrongif': { count: 'count' },
  'flow.failed': { count: 'count' },
  'mfe.get': { mfe: 'unchecked', frev: 'count', programmed: 'unchecked' },
  'mfe.list': {
    items: 'list',
    cursor: 'unchecked',
    frev: 'count',
    programmed: 'unchecked',
    log: 'text',
  },
  'mfe.stats': {
    stats: 'unchecked',
    items: 'unchecked',
    cursor: 'unchecked',
    frev: 'count',
    log: 'unchecked',
  },
  'mfe.set': { frev: 'count' },
  fib: { changes: 'list', head: 'count', first: 'count', log: 'text' },
  agents: { items: 'list', cursor: 'unchecked', frev: 'count', log: 'text' },
  'admin.member.add': { changed: 'unchecked', mrev: 'count' },
  'admin.member.delete': { changed: 'unchecked', mrev: 'count' },
  'admin.interface.set': {
    changed: 'unchecked',
    maxGroups: 'count',
    maxEntries: 'count',
    lite: 'unchecked',
  },
} as const satisfies { [Name in OperationName]: FieldChecks<ReplyFields[Name]> };

/** All names, in the order of the documentation. */
export const OPERATIONS = Object.keys(operations) as readonly OperationName[];

/** The operations that have a flag. */
export function operationsWith(flag: keyof OperationFlags): ReadonlySet<OperationName> {
  const flagsOf: Readonly<Record<OperationName, OperationFlags>> = operations;
  return new Set(OPERATIONS.filter((name) => flagsOf[name][flag] === true));
}

/** A request as a manager works on it: defaults filled in, next hops canonical, interfaces in one list. */
export type Request<Name extends OperationName> = v.InferOutput<(typeof requestSchemas)[Name]>;

/** A request as a client may write it. */
export type RequestFields<Name extends OperationName> = v.InferInput<(typeof requestSchemas)[Name]>;

/** A reply without `rev`: the fields of the operation, or a refusal. */
export type ReplyBody<Name extends OperationName> =
  ({ readonly status: 0 } & ReplyFields[Name]) | RefusalFields;

/** A reply on the wire: the body, and the router's revision after the operation. */
export type Reply<Name extends OperationName> = ReplyBody<Name> & { readonly rev: Revision };
