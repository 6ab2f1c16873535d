import { parseNextHop } from './address.ts';
import { ALERT_TYPES } from './callbacks.ts';
import type { AlertMessage, CallbackMessage, SessionLostCallback } from './callbacks.ts';
import { parseGiven, readEntry, sourceText } from './entries.ts';
import {
  MEMBERSHIP_EVENT_TYPES,
  type EventMessage,
  type HeadMessage,
  type MembershipEvent,
} from './events.ts';
import { isEpoch } from './ids.ts';
import { Limits } from './limits.ts';
import type { MfeMessage, WrongIfHint } from './mfe.ts';
import type { Question } from './questions.ts';
import type { OperatorEvent } from './operations/admin-events.ts';

/**
 * Checks of messages that readers received, so that a forged or damaged one is not handled as a message of the contract:
 * every known field must have its type and range. Unknown fields are ignored, and unknown types of events are accepted,
 * since newer managers may send them. Texts of users (`actor`, `why`) may contain any character: escape them for a
 * terminal.
 */
type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;
type Checks = Readonly<Record<string, Check>>;

const U32_MAX = 0xffffffff;
const ITEMS_MAX = 256;
const WORD = /^[A-Za-z][A-Za-z_-]{0,63}$/;
const OPERATION = /^[a-z][a-z.-]{0,63}$/;

const isCounter: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isPositive: Check = (value) => isCounter(value) && value !== 0;
const isU32: Check = (value) => isCounter(value) && Number(value) <= U32_MAX;
const isIfIndex: Check = (value) => isU32(value) && value !== 0;
const isCanonicalHop: Check = (value) => typeof value === 'string' && parseNextHop(value) === value;
const isEpochText: Check = (value) => typeof value === 'string' && isEpoch(value);
const isWord: Check = (value) => typeof value === 'string' && WORD.test(value);
const isOperation: Check = (value) => typeof value === 'string' && OPERATION.test(value);
const isUserText: Check = (value) => typeof value === 'string' && value.length <= Limits.text;
const isLogId: Check = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= Limits.text;
const isBoolean: Check = (value) => typeof value === 'boolean';

/** Whether a decoded message is an event. Wire contract section 5. */
export function isEventMessage(value: unknown): value is EventMessage {
  return hasFields(value, { rev: isPositive, ts: isCounter, type: isWord }, EVENT_FIELDS);
}

const EVENT_FIELDS: Checks = {
  session: isCounter,
  protocolId: isU32,
  componentId: isU32,
  ifIndex: isIfIndex,
  nextHop: isCanonicalHop,
  epoch: isEpochText,
  previous: isPositive,
  cause: isWord,
  actor: isUserText,
  why: isUserText,
  caller: isUserText,
  localMembers: isWord,
  wrongIf: isBoolean,
  ...{ maxGroups: isU32, maxEntries: isU32, lite: isBoolean },
};

/** Whether a value is an entry of the operator log. Wire contract section 3. */
export function isOperatorEvent(value: unknown): value is OperatorEvent {
  return hasFields(value, OPERATOR_EVENT_FIELDS, {
    ...EVENT_FIELDS,
    ...{ reason: isWord, group: isUserText, source: isUserText },
  });
}

const OPERATOR_EVENT_FIELDS: Checks = {
  number: isPositive,
  ts: isCounter,
  type: isWord,
  rev: isCounter,
  operation: isOperation,
  actor: isUserText,
  why: isUserText,
};

/** Whether a decoded message is a head. Wire contract section 1. */
export function isHeadMessage(value: unknown): value is HeadMessage {
  const required = { rev: isCounter, first: isCounter, ts: isCounter, log: isLogId };
  return hasFields(value, required, {
    ...{ mrev: isCounter, mfirst: isCounter, settled: isCounter },
    ...{ rrev: isCounter, rsettled: isCounter, schema: isCounter },
    ...{ frev: isCounter, ffirst: isCounter, msettled: isCounter },
  });
}

/** Whether a decoded message is a callback about an interface, of a known type. Wire contract section 4. */
export function isCallbackMessage(value: unknown): value is CallbackMessage {
  if (!hasFields(value, CALLBACK_FIELDS, { why: isUserText })) return false;
  const { type, rev, epoch } = value;
  if (type === 'OWNERSHIP_LOST') return isEpochText(epoch);
  return (type === 'DISABLE_IGMP' || type === 'ENABLE_IGMP') && isCounter(rev);
}

const CALLBACK_FIELDS: Checks = {
  seq: isPositive,
  ts: isCounter,
  type: isWord,
  ifIndex: isIfIndex,
  nextHop: isCanonicalHop,
  cause: isWord,
};

/** Whether a decoded message is the callback of a session that was taken over. Wire contract section 4. */
export function isSessionLostMessage(value: unknown): value is SessionLostCallback {
  const required = { seq: isPositive, ts: isCounter, type: isWord, cause: isWord, by: isPositive };
  return hasFields(value, required) && value['type'] === 'SESSION_LOST';
}

/** Whether a decoded message is a callback about memberships, of a known type. Membership contract, section 5. */
export function isAlertMessage(value: unknown): value is AlertMessage {
  const common = { seq: isPositive, ts: isCounter, type: isWord, mrev: isCounter };
  if (!hasFields(value, common)) return false;
  const { type } = value;
  if (type === 'RESYNC') return true;
  if (isAboutMfes(value)) return isMfeAlert(value);
  if (!ALERT_TYPES.some((known) => known === type)) return false;
  return hasFields(
    value,
    { cause: isWord, items: (items) => isItems(items, itemOf(type)) },
    ALERT_FIELDS,
  );
}

/** Alerts with FALSE. */
function isAboutMfes({ type, memberUpdate, memberDelete }: Fields): boolean {
  return type === 'JOIN_ALERT' ? memberUpdate === false : memberDelete === false;
}

function isMfeAlert(value: Fields): boolean {
  const isJoin = value['type'] === 'JOIN_ALERT';
  if (!isJoin && value['type'] !== 'PRUNE_ALERT') return false;
  const isItem = (item: readonly unknown[]): boolean =>
    isJoin
      ? isEntryItem(item) && isPositive(item[2])
      : isEntryOnInterface(item) && isPositive(item[4]);
  return hasFields(value, {
    cause: isWord,
    frev: isCounter,
    items: (items) => isItems(items, isItem),
  });
}

const ALERT_FIELDS: Checks = {
  memberUpdate: isBoolean,
  memberDelete: isBoolean,
  window: isBoolean,
  update: isBoolean,
  mode: isWord,
  exclude: isSourceList,
};

function itemOf(type: unknown): (item: readonly unknown[]) => boolean {
  if (type === 'JOIN_ALERT') return isEntryItem;
  if (type === 'PRUNE_ALERT') return isPruneItem;
  return isMembershipItem;
}

/** Whether a decoded message is a membership event. Membership contract, section 6. */
export function isMembershipEvent(value: unknown): value is MembershipEvent {
  return (
    hasFields(value, MEMBERSHIP_EVENT_FIELDS, { actor: isUserText, why: isUserText }) &&
    MEMBERSHIP_EVENT_TYPES.some((type) => type === value['type']) &&
    Array.isArray(value['items']) &&
    value['items'].length === Number(value['mrev']) - Number(value['first']) + 1
  );
}

const MEMBERSHIP_EVENT_FIELDS: Checks = {
  first: isPositive,
  mrev: isPositive,
  ts: isCounter,
  type: isWord,
  session: isCounter,
  protocolId: isU32,
  componentId: isU32,
  countsFor: isCounter,
  cause: isWord,
  items: (items) => isItems(items, isMembershipItem),
};

/** Whether a decoded message is about changes of forwarding entries. Forwarding contract, section 8.1. */
export function isMfeMessage(value: unknown): value is MfeMessage {
  return (
    hasFields(value, {
      ...{ first: isPositive, last: isPositive, ts: isCounter },
      items: (items) => isItems(items, isMfeChange),
    }) &&
    Array.isArray(value['items']) &&
    value['items'].length === Number(value['last']) - Number(value['first']) + 1
  );
}

function isMfeChange(item: readonly unknown[]): boolean {
  const [kind, first, source, incarnation, cause] = item;
  if (kind === 'set') return isMfe(first);
  return kind === 'del' && isExact(first, source) && isPositive(incarnation) && isWord(cause);
}

function isMfe(value: unknown): boolean {
  return (
    hasFields(value, MFE_FIELDS, { upstream: isCanonicalHop, route: isMfeRoute }) &&
    isExact(value['group'], value['source'])
  );
}

const MFE_FIELDS: Checks = {
  incarnation: isPositive,
  ifIndex: isU32,
  nextHop: isCanonicalHop,
  iifEpoch: isEpochText,
  protocolId: isU32,
  session: isCounter,
  upMs: isCounter,
  expiresInMs: isCounter,
  timeoutMs: isCounter,
  oifs: (oifs) => Array.isArray(oifs) && oifs.every(isOif),
  oifCount: isCounter,
  foreignAlerted: isBoolean,
};

const isOif: Check = (oif) => Array.isArray(oif) && isIfIndex(oif[0]) && isCanonicalHop(oif[1]);

const isMfeRoute: Check = (route) =>
  hasFields(route, {
    network: (network) => typeof network === 'string',
    length: isCounter,
    protocolId: isU32,
  });

function isExact(group: unknown, source: unknown): boolean {
  return group !== '' && group !== '::' && source !== '' && isEntryItem([group, source]);
}

/** Whether a decoded message is a question of a known type. Forwarding contract, section 5.4. */
export function isQuestion(value: unknown): value is Question {
  if (!hasFields(value, QUESTION_FIELDS, RPF_FIELDS)) return false;
  const { type, oifs } = value;
  const isCreation = type === 'CREATION_ALERT' && Array.isArray(oifs) && oifs.every(isAskedOif);
  return (type === 'RPF' || isCreation) && isExact(value['group'], value['source']);
}

const QUESTION_FIELDS: Checks = {
  type: isWord,
  ifIndex: isIfIndex,
  nextHop: isCanonicalHop,
  incarnation: isPositive,
};
const RPF_FIELDS: Checks = {
  deadlineMs: isPositive,
  upstream: isCanonicalHop,
  route: isMfeRoute,
  header: (header) => header instanceof Uint8Array,
};
const isAskedOif: Check = (oif) => isOif(oif) && Array.isArray(oif) && isBoolean(oif[2]);

/** Whether a decoded message is a hint about packets on a wrong interface. Forwarding contract, section 5.4. */
export function isWrongIfHint(value: unknown): value is WrongIfHint {
  const required = { type: isWord, ifIndex: isIfIndex, nextHop: isCanonicalHop, count: isPositive };
  return (
    hasFields(value, required, RPF_FIELDS) &&
    value['type'] === 'WRONG_IF' &&
    isExact(value['group'], value['source'])
  );
}

function isItems(items: unknown, isItem: (item: readonly unknown[]) => boolean): boolean {
  if (!Array.isArray(items) || items.length < 1 || items.length > ITEMS_MAX) return false;
  return items.every((item: unknown) => Array.isArray(item) && isItem(item));
}

/** Trailing elements of newer managers are ignored. */
function isMembershipItem(item: readonly unknown[]): boolean {
  const exclude = item[4];
  return isEntryOnInterface(item) && (exclude === undefined || isSourceList(exclude));
}

function isEntryOnInterface(item: readonly unknown[]): boolean {
  return isEntryItem(item) && isIfIndex(item[2]) && isCanonicalHop(item[3]);
}

function isSourceList(list: unknown): boolean {
  if (!Array.isArray(list) || list.length > Limits.filterSources) return false;
  return list.every((source: unknown) => {
    const given = parseGiven(source);
    return given?.kind === 'address' && sourceText(given) === source;
  });
}

/** An (s,g) may name no interface: its incoming interface moved. Forwarding contract, section 4. */
function isPruneItem(item: readonly unknown[]): boolean {
  const [, source, ifIndex, nextHop, covered] = item;
  const namesNone = source !== '' && ifIndex === 0 && nextHop === '';
  return (namesNone ? isEntryItem(item) : isEntryOnInterface(item)) && isBoolean(covered);
}

function isEntryItem([group, source]: readonly unknown[]): boolean {
  if (typeof group !== 'string' || typeof source !== 'string') return false;
  const given = { group: parseGiven(group), source: parseGiven(source) };
  if (given.group === undefined || given.source === undefined) return false;
  const read = readEntry(given.group, given.source);
  return 'entry' in read && read.entry.group === group && read.entry.source === source;
}

/** Whether all required fields are right, and the optional ones where they are present. */
function hasFields(value: unknown, required: Checks, optional: Checks = {}): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    Object.entries(required).every(([name, check]) => check(fields.get(name))) &&
    Object.entries(optional).every(([name, check]) => !fields.has(name) || check(fields.get(name)))
  );
}
