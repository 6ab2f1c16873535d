export { connect } from './connect.ts';
export type { ConnectOptions } from './connect.ts';
export { isMgmError, LOCAL_REASONS, MgmError } from './errors.ts';
export type { LocalReason, MgmErrorFields, MgmReason, Outcome } from './errors.ts';
export type { Mgm, AdminReason, MgmEvents, StaticMembershipRef, Validation } from './mgm.ts';
export type { CallOptions, Logger, LogFields } from './options.ts';
export type { Ownership } from './ownership.ts';
export type { Session, ReleaseResult, SessionState, TakeResult } from './session.ts';
export type {
  FailedMfe,
  FlowRef,
  MfeCounters,
  OifCounters,
  WrongIfRef,
} from './forwarding/flows.ts';
export type {
  AgentPage,
  MfeFilter,
  MfePage,
  MfeRef,
  MfeSettings,
  MfeStatsOptions,
} from './forwarding/mfes.ts';
export type {
  CreationAnswer,
  CreationQuestion,
  QuestionHandlers,
  RpfAnswer,
  RpfQuestion,
  WrongIfHint,
} from './forwarding/questions.ts';
export type { ForwardingSighting } from './forwarding/watch.ts';
export type {
  HeldSettings,
  InterfaceRef,
  InterfaceSettingsRef,
  SettingsChange,
  TakeOptions,
} from './interfaces/refs.ts';
export type {
  AlertHandlers,
  AlertItem,
  JoinAlertItem,
  LocalAlertItem,
  PruneAlertItem,
  Resync,
} from './membership/alerts.ts';
export type { MembershipResult } from './membership/calls.ts';
export type { MembershipChange } from './membership/changes.ts';
export type { GroupFilterChange, GroupFilterRef } from './membership/filters.ts';
export { MemberFlags } from './membership/refs.ts';
export type { Membership, MembershipRef } from './membership/refs.ts';
export type {
  EnumerationType,
  GroupOptions,
  ListedEntry,
  ListedGroup,
  ListedMembership,
  MemberFilter,
  MemberPage,
  MembershipPosition,
} from './membership/listings.ts';
export type {
  KeepaliveMeasurement,
  Measurement,
  RequestMeasurement,
  TraceContext,
  TraceSpan,
  TraceSpanContext,
  TracingApi,
} from './rpc/observers.ts';
export type { InterfaceFilter, InterfacePage, PageOptions } from './rpc/pages.ts';
export type {
  CallbackFailure,
  CallbackHandler,
  CallbackHandlers,
  LossCause,
  MissedCallbacks,
  MissingInterface,
  SessionEvents,
  SessionListeners,
} from './session/events.ts';
export type { LeaseGate, Renewal } from './session/keepalive.ts';
export type { Reregister } from './session/life.ts';
export type { ProtocolOptions } from './session/open.ts';
export type { Registrant } from './session/register.ts';
export type { RouteResult } from './view/items.ts';
export type { ListedRoute, ResolvedRoute, RouteFilter } from './view/listings.ts';
export type { PrefixRef, Route, RouteRef } from './view/refs.ts';
export type { HeadsOptions } from './watch/feed.ts';
export type {
  ClockDifference,
  Replica,
  ReplicaFields,
  ReplicasOptions,
  RoutersOptions,
  RouterSummary,
} from './watch/discovery.ts';
export type { FollowOptions, SightingOf, SnapshotReason } from './watch/follow.ts';
export type { Sighting, WatchFilter, WatchOptions } from './watch/watch.ts';
export type { MembershipSighting, WatchedMembership } from './membership/watch.ts';
export type {
  AgentItem,
  CallbackMessage,
  Epoch,
  EventMessage,
  FilterMode,
  FlowResult,
  GroupText,
  HeadMessage,
  Holder,
  IgmpCallback,
  IgmpHold,
  InterfaceItem,
  InterfaceKey,
  InterfaceLimits,
  InterfaceSettings,
  LocalMembers,
  MembershipCause,
  MembershipEvent,
  MembershipItem,
  Mfe,
  MfeChange,
  MfeEndCause,
  MfeMessage,
  MfeRoute,
  NextHop,
  OperatorEvent,
  OwnershipLostCallback,
  Prefix,
  MfeStats,
  OifStats,
  ReportedMfe,
  SessionId,
  SessionItem,
  SourceText,
} from '@mgm/protocol';
export { compareEpochs, isIgmp, ProtocolId, protocolName, VERSION } from '@mgm/protocol';
