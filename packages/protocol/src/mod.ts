export { Status, Refusals, statusName } from './codes.ts';
export type { Reason, RefusalName, StatusCode, StatusName } from './codes.ts';
export { decodeMessage, encodeMessage } from './codec.ts';
export type { DecodedMessage, WireMap } from './codec.ts';
export type { CallbackMessage, IgmpCallback, OwnershipLostCallback } from './callbacks.ts';
export { EVENT_TYPES } from './events.ts';
export type { Cause, EventMessage, EventType, HeadMessage } from './events.ts';
export { compareEpochs, epochOf, isEpoch, isRouterName, routerName, sessionId } from './ids.ts';
export type {
  Epoch,
  Handle,
  InterfaceKey,
  NextHop,
  Revision,
  RouterName,
  SessionId,
} from './ids.ts';
export { NO_NEXT_HOP, parseNextHop } from './next-hop.ts';
export { Limits, OPERATIONS, READS } from './operations.ts';
export type { OperationName } from './operations.ts';
export { ProtocolId, isIgmp, protocolName } from './protocol-id.ts';
export { refusal } from './refusals.ts';
export type {
  Answer,
  BulkResult,
  Holder,
  IgmpHold,
  InterfaceItem,
  RefusalFields,
  Reply,
  ReplyFields,
  SessionItem,
} from './replies.ts';
export { parseRequest, requestSchemas } from './requests.ts';
export type { ParsedRequest, Request, RequestFields } from './requests.ts';
export { eventEncoder, lossEncoder } from './run-encoder.ts';
export type { EncodeOfRun, SharedEventFields, SharedLossFields } from './run-encoder.ts';
export { parseNatsUrls, readServerUrl, withoutSecrets } from './server-urls.ts';
export type { NatsServers } from './server-urls.ts';
export { DEFAULT_PREFIX, QUEUE_GROUP, SERVICE_NAME, subjectsUnder } from './subjects.ts';
export type { Subjects } from './subjects.ts';
