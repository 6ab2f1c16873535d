export {
  readCreationAnswer,
  readRpfAnswer,
  type CreationQuestion,
  type Question,
  type RpfAnswer,
  type RpfQuestion,
} from './questions.ts';
export { refusal, Refusals, Status, statusName } from './errors.ts';
export type { Reason, RefusalFields, RefusalName, StatusCode, StatusName } from './errors.ts';
export { decodeMessage, encodeMessage } from './wire/codec.ts';
export type { DecodedMessage, WireMap } from './wire/codec.ts';
export { ALERT_TYPES } from './callbacks.ts';
export type {
  AlertMessage,
  AlertType,
  CallbackMessage,
  IgmpCallback,
  JoinAlert,
  LocalAlert,
  MfeJoinAlert,
  MfePruneAlert,
  OwnershipLostCallback,
  SessionLostCallback,
  PruneAlert,
  ResyncCallback,
} from './callbacks.ts';
export {
  entryName,
  entryNamed,
  sourceList,
  sourcesIn,
  faultInGroup,
  faultInSource,
  groupText,
  parseGiven,
  readEntry,
  sourceText,
  type EntryItem,
  type GivenAddress,
  type MembershipItem,
  type PruneItem,
} from './entries.ts';
export type { Entry, GroupText, SourceText } from './entries.ts';
export type { MfeJoinItem, MfePruneItem } from './entries.ts';
export { EVENT_TYPES, MEMBERSHIP_EVENT_TYPES } from './events.ts';
export {
  holdAfter,
  holdAfterSessionEvent,
  roleOfChangedHold,
  sessionOfChangedHolds,
  type EventHold,
} from './holds.ts';
export type {
  Cause,
  EventMessage,
  InterfaceSettings,
  LocalMembers,
  EventType,
  HeadMessage,
  MembershipCause,
  MembershipEvent,
  MembershipEventType,
} from './events.ts';
export {
  compareEpochs,
  epochOf,
  isEpoch,
  isIgmp,
  isRouterName,
  ProtocolId,
  protocolName,
  routerName,
  sessionId,
} from './ids.ts';
export type {
  Epoch,
  Handle,
  InterfaceKey,
  NextHop,
  Revision,
  RouterName,
  SessionId,
} from './ids.ts';
export { nameOfPrefix, prefixNamed, type Prefix } from './prefixes.ts';
export { NO_NEXT_HOP, parseNextHop } from './address.ts';
export { Limits } from './limits.ts';
export {
  forwardingOperations,
  membershipOperations,
  OPERATIONS,
  operations,
  operationsWith,
  replyFields,
  requestSchemas,
} from './operations/table.ts';
export type {
  OperationName,
  Reply,
  ReplyBody,
  ReplyFields,
  Request,
  RequestFields,
  UnsharedOperation,
} from './operations/table.ts';
export type { FieldCheck, OperationFlags } from './operations/flags.ts';
export type { Holder, IgmpHold, InterfaceItem } from './operations/holder.ts';
export type {
  EntryListing,
  GroupListing,
  GroupsReply,
  MembershipPage,
} from './operations/groups.ts';
export type {
  ElementRefusal,
  FailedElement,
  MemberChangeReply,
  MemberElement,
  MemberElements,
  RefusedElement,
} from './operations/member-fields.ts';
export type { MemberEventsReply } from './operations/member-events.ts';
export type { FilterMode, GroupFilter, MemberSetReply } from './operations/member-set.ts';
export type { InterfaceSetReply } from './operations/interface-set.ts';
export type { MemberFilter, MemberListing, MembersReply } from './operations/members.ts';
export { readPair, readRoute } from './operations/route-fields.ts';
export type { FailedRoute, RouteChangeReply, RouteElement } from './operations/route-fields.ts';
export type {
  Mfe,
  MfeChange,
  MfeEndCause,
  MfeMessage,
  MfeRoute,
  ReportedMfe,
  WrongIfHint,
} from './mfe.ts';
export type { FlowElement } from './operations/mfe-fields.ts';
export type { FlowResult } from './operations/flow-new.ts';
export type { AgentItem, AgentsReply } from './operations/agents.ts';
export type { FibReply } from './operations/fib.ts';
export type { MfeListReply } from './operations/mfe-list.ts';
export type { MfeStats, MfeStatsReply, OifStats } from './operations/mfe-stats.ts';
export type { RibListReply, RouteListing } from './operations/rib-list.ts';
export type { RibResolveReply } from './operations/rib-resolve.ts';
export type { OperatorEvent } from './operations/admin-events.ts';
export type { AdminInterfaceSetReply, InterfaceLimits } from './operations/admin-interface-set.ts';
export type { StaticMembershipReply } from './operations/admin-member-add.ts';
export type { SessionItem } from './operations/sessions.ts';
export type { BulkResult } from './operations/take.ts';
export {
  isAlertMessage,
  isCallbackMessage,
  isSessionLostMessage,
  isEventMessage,
  isHeadMessage,
  isMembershipEvent,
  isMfeMessage,
  isOperatorEvent,
  isQuestion,
  isWrongIfHint,
} from './received.ts';
export { parseBy, parseRequest, parseUnshared, readRequest, refusalOf } from './requests.ts';
export type { BadRequest, Parsed, ParsedRequest } from './requests.ts';
export { eventEncoder, lossEncoder } from './wire/runs.ts';
export type { EncodeOfRun, SharedEventFields, SharedLossFields } from './wire/runs.ts';
export { parseNatsUrls, readServerUrl, withoutSecrets } from './server-urls.ts';
export type { NatsServers } from './server-urls.ts';
export {
  DEFAULT_PREFIX,
  managerSubjects,
  QUEUE_GROUP,
  SERVICE_NAME,
  subjectsUnder,
} from './subjects.ts';
export type { ManagerSubjects, Subjects } from './subjects.ts';
export {
  clientText,
  counted,
  durationText,
  instantText,
  interfaceText,
  outgoingText,
  settingParts,
} from './text.ts';
export { unsupportedNode } from './node-version.ts';
export { VERSION } from './version.ts';
