import {
  OPERATIONS,
  decodeMessage,
  isAlertMessage,
  isCallbackMessage,
  isEventMessage,
  isHeadMessage,
  isMembershipEvent,
  isMfeMessage,
  isOperatorEvent,
  isSessionLostMessage,
  replyFields,
  statusName,
} from '@mgm/protocol';
import type {
  AlertMessage,
  CallbackMessage,
  EventMessage,
  FailedElement,
  FailedRoute,
  FieldCheck,
  HeadMessage,
  OperationName,
  RefusalFields,
  Reply,
  ReplyFields,
  Revision,
  SessionLostCallback,
  WireMap,
} from '@mgm/protocol';

/** Replies may be larger than requests: a page of 1000 interfaces, 1024 refusals with their holders. */
const REPLY_BYTES_MAX = 8 * 1024 * 1024;
/** Map, `results`, result, `holder`, `igmp`, and room for fields of newer managers. */
const REPLY_NESTING_MAX = 16;

/** A decoded reply, or its fault. */
export type DecodedReply<Name extends OperationName> =
  | { readonly kind: 'reply'; readonly reply: Reply<Name> }
  | { readonly kind: 'malformed'; readonly fault: string };

/** Decodes a reply. Checks `status`, the fields that the client cannot do without, and events; other fields are not validated. */
export function decodeReply<Name extends OperationName>(
  operation: Name,
  bytes: Uint8Array,
): DecodedReply<Name> {
  const decoded = decodeMessage(bytes, REPLY_BYTES_MAX, REPLY_NESTING_MAX);
  if (decoded.kind === 'malformed') return decoded;
  const { value } = decoded;
  const fault = faultIn(operation, value);
  return fault ? { kind: 'malformed', fault } : { kind: 'reply', reply: value as Reply<Name> };
}

function faultIn(operation: OperationName, reply: WireMap): string | undefined {
  if (!isCount(reply['status'])) return 'has no `status`';
  if (reply['status'] !== 0) return isText(reply['reason']) ? undefined : 'has no `reason`';
  for (const [field, isRight] of REQUIRED.get(operation) ?? []) {
    if (!isRight(reply[field])) return `has no valid \`${field}\``;
  }
  if (operation === 'take' && !isText(reply['epoch']) && !Array.isArray(reply['results'])) {
    return 'has neither `epoch` nor `results`';
  }
  const isEvent = EVENTS_OF.get(operation);
  const field = operation === 'fib' ? 'changes' : 'events';
  const events = reply[field];
  if (isEvent && Array.isArray(events) && !events.every(isEvent))
    return `has no valid \`${field}\``;
  return undefined;
}

/** Events that are read are checked like pushed ones: they reach the same handlers, logs and terminals. */
const EVENTS_OF: ReadonlyMap<OperationName, (event: unknown) => boolean> = new Map<
  OperationName,
  (event: unknown) => boolean
>([
  ['events', isEventMessage],
  ['member.events', isMembershipEvent],
  ['admin.events', isOperatorEvent],
  ['fib', isMfeMessage],
]);

const CHECKS = { text: isText, count: isCount, positive: isPositive, list: Array.isArray };

type Check = readonly [field: string, isRight: (value: unknown) => boolean];

/** The fields of each operation's reply that the client checks. */
const REQUIRED: ReadonlyMap<OperationName, readonly Check[]> = new Map(
  OPERATIONS.map((operation) => [operation, checksOf(replyFields[operation])]),
);

function checksOf(fields: Readonly<Record<string, FieldCheck>>): Check[] {
  return Object.entries(fields).flatMap(([field, check]): Check[] =>
    check === 'unchecked' ? [] : [[field, CHECKS[check]]],
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isPositive(value: unknown): boolean {
  return isCount(value) && value !== 0;
}

export function isRefusal(reply: { readonly status: number }): reply is RefusalFields {
  return reply.status !== 0;
}

/** The refusal of one element of a request. */
export function elementRefusal([, status, reason, field]:
  FailedElement | FailedRoute): RefusalFields {
  return {
    status,
    error: statusName(status),
    reason,
    message: field === undefined ? `refused: ${reason}` : `${field}: refused by the manager`,
    ...(field !== undefined && { field }),
  };
}

/** A reply with status 0. */
export type Success<Name extends OperationName> = {
  readonly status: 0;
  readonly rev: Revision;
} & ReplyFields[Name];

/** The reply if its status is 0; throws what `refused` returns for a refusal. */
export function granted<Name extends OperationName>(
  reply: Reply<Name>,
  refused: (refusal: RefusalFields) => Error,
): Success<Name> {
  if (isRefusal(reply)) throw refused(reply);
  return reply as Success<Name>;
}

export function isSuccess<Name extends OperationName>(reply: Reply<Name>): reply is Success<Name> {
  return reply.status === 0;
}

const SESSION_IS_GONE: ReadonlySet<string> = new Set(['bad-handle', 'session-expired']);

/** Whether the refusal says that the session of the handle is over. */
export function isSessionGone({ reason }: { readonly reason: string }): boolean {
  return SESSION_IS_GONE.has(reason);
}

/** A decoded callback. Newer managers may send types that this version does not know. */
export type AnyCallback =
  | { readonly kind: 'known'; readonly seq: number; readonly message: CallbackMessage }
  | { readonly kind: 'alert'; readonly seq: number; readonly message: AlertMessage }
  | { readonly kind: 'unknown'; readonly seq: number; readonly type: string };

/** Of pushed messages: room for fields of newer managers. */
const PUSHED_BYTES_MAX = 1024 * 1024;
const PUSHED_NESTING_MAX = 16;

/** A callback that is pushed only, because the mailbox of its session is gone. */
interface SessionLost {
  readonly kind: 'session-lost';
  readonly message: SessionLostCallback;
}

/** A pushed callback, or `undefined` for any other message. */
export function decodeCallback(bytes: Uint8Array): AnyCallback | SessionLost | undefined {
  const fields = decode(bytes);
  if (isSessionLostMessage(fields)) return { kind: 'session-lost', message: fields };
  return fields && readCallback(fields);
}

/** A callback of a push or a mailbox reply; `undefined` if it has no valid number. */
export function readCallback(value: object): AnyCallback | undefined {
  const { seq, type } = value as Partial<Record<string, unknown>>;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  if (isCallbackMessage(value)) return { kind: 'known', seq, message: value };
  if (isAlertMessage(value)) return { kind: 'alert', seq, message: value };
  return { kind: 'unknown', seq, type: String(type) };
}

/** A pushed event, or `undefined` for any other message. Unknown types of newer managers are passed through. */
export function decodeEvent(bytes: Uint8Array): EventMessage | undefined {
  const fields = decode(bytes);
  return isEventMessage(fields) ? fields : undefined;
}

/** A pushed message of one kind, or `undefined` for any other message. */
export function decodePushed<Message>(
  bytes: Uint8Array,
  isOne: (value: unknown) => value is Message,
): Message | undefined {
  const fields: unknown = decode(bytes);
  return isOne(fields) ? fields : undefined;
}

/** A pushed head, or `undefined` for any other message. */
export function decodeHead(bytes: Uint8Array): HeadMessage | undefined {
  const fields = decode(bytes);
  return isHeadMessage(fields) ? fields : undefined;
}

function decode(bytes: Uint8Array): WireMap | undefined {
  const decoded = decodeMessage(bytes, PUSHED_BYTES_MAX, PUSHED_NESTING_MAX);
  return decoded.kind === 'message' ? decoded.value : undefined;
}
