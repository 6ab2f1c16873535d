import {
  EVENT_TYPES,
  forwardingOperations,
  Limits,
  membershipOperations,
  OPERATIONS,
  Refusals,
  statusName,
} from '../src/mod.ts';
import { asyncApi, entry, fieldsOf, type Field, type Schema } from './async-api.ts';
import { examples } from './wire-examples.ts';
import { code, fieldName, fieldTable, table } from './wire-fields.ts';

const MEMBERSHIP_OPERATIONS = Object.keys(membershipOperations);
const FORWARDING_OPERATIONS = Object.keys(forwardingOperations);
const OWNERSHIP_OPERATIONS = OPERATIONS.filter(
  (name) => !(name in membershipOperations) && !(name in forwardingOperations),
);

/** Every generated part of docs/wire-protocol.md, by the name in its marker. */
export function wireSections(): ReadonlyMap<string, string> {
  return new Map([
    ['limits', limitTable()],
    schema('RefusalFields'),
    ['refusals', refusalTable()],
    ['operations', operationTable(OWNERSHIP_OPERATIONS)],
    ['membership operations', operationTable(MEMBERSHIP_OPERATIONS)],
    ['forwarding operations', operationTable(FORWARDING_OPERATIONS)],
    schema('Holder'),
    ...OPERATIONS.flatMap((operation): [string, string][] => [
      [`${operation} request`, requestTable(operation)],
      [`${operation} reply`, replyTable(operation)],
    ]),
    schema('SessionItem'),
    schema('IgmpCallbackFields'),
    schema('OwnershipLostCallback'),
    schema('SessionLostCallback'),
    ['events', eventTable()],
    schema('Event'),
    schema('Head'),
    schema('JoinAlert'),
    schema('PruneAlert'),
    schema('LocalAlertFields'),
    schema('MembershipEventFields'),
    schema('Mfe'),
    schema('MfeCounters'),
    schema('WrongIfHint'),
    schema('FlowResult'),
    schema('MfeMessage'),
    ['examples', examples()],
  ]);
}

function schema(name: string): [string, string] {
  return [name, fieldTable(fieldsOf(entry(asyncApi.components.schemas, name)))];
}

function payloadOf(message: string): Schema {
  return entry(asyncApi.components.messages, message).payload;
}

/** What each limit bounds, with its unit. */
const LIMITS: Readonly<Record<keyof typeof Limits, string>> = {
  messageBytes: 'bytes of a request',
  nesting: 'levels of maps and lists in a request, itself included',
  bulk: 'interfaces of one `take` or `release`',
  entries: 'elements of one `member.add` or `member.delete`',
  filterSources: 'sources of one `member.set`',
  routes: 'elements of one `rib.set` or `rib.delete`',
  flows: 'flows of one `flow.new`',
  reports: 'items of one `flow.stats` or `flow.failed`',
  failureBytes: 'bytes of a reason in `flow.failed`',
  hints: 'items of one `flow.wrongif`',
  headerBytes: 'bytes of a packet header in `flow.new` or `flow.wrongif`',
  answerBytes: 'bytes of the answer to a question',
  mfeTimeoutMs: '`timeoutMs` of `mfe.set`, ms; 0 leaves it',
  alerts: 'names in `alerts` of `register`',
  window: 'how far `seq` may be above `ack`',
  pageItems: '`limit`: items of one page',
  defaultPageItems: '`limit` where a request has none',
  handleBytes: 'bytes of a `handle`',
  ttlMs: '`ttlMs`, ms',
  graceMs: '`graceMs`, ms',
  instance: 'characters of `instance`',
  text: 'characters of `name`, `actor`, `why`',
  cursor: 'characters of a `cursor`',
};

function limitTable(): string {
  const rows = Object.entries(Limits).map(([name, value]) => {
    const what = entry<string>(LIMITS, name);
    if (typeof value === 'number') return [what, `${value}`];
    const preset = 'default' in value ? `, default ${value.default}` : '';
    return [what, `${value.min} to ${value.max}${preset}`];
  });
  return table(['What', 'Limit'], rows);
}

function refusalTable(): string {
  const rows = Object.values(Refusals).map(({ status, reason, meaning }) => [
    `${status}`,
    code(statusName(status)),
    code(reason),
    meaning,
  ]);
  return table(['status', 'error', 'reason', 'meaning'], rows);
}

function operationTable(operations: readonly string[]): string {
  const rows = operations.map((operation) => {
    const isNumbered = fieldsOf(payloadOf(`${operation}.request`)).some(
      (one) => one.name === 'seq',
    );
    return [
      `[${code(operation)}](#${operation.replaceAll('.', '')})`,
      isNumbered ? '`seq`, `ack`' : '',
      entry(asyncApi.operations, operation).summary,
    ];
  });
  return table(['Operation', 'Numbered by', 'What it does'], rows);
}

/** The fields of a message without those that the page explains once for all messages. */
function ownFields(message: string, common: readonly string[]): Field[] {
  return fieldsOf(payloadOf(message)).filter(({ name }) => !common.includes(name));
}

function requestTable(operation: string): string {
  return fieldTable(ownFields(`${operation}.request`, ['deadlineMs']));
}

function replyTable(operation: string): string {
  const fields = ownFields(`${operation}.reply`, ['status', 'rev']);
  if (operation === 'owner') return 'The fields of a [holder](#holder).';
  return fields.length === 0 ? 'Nothing but `status` and `rev`.' : fieldTable(fields);
}

function eventTable(): string {
  const rows = EVENT_TYPES.map((type) => {
    const fields = ownFields(`event.${type}`, ['rev', 'ts', 'type']);
    return [code(type), fields.map(fieldName).join(', ')];
  });
  return table(['type', 'fields besides `rev`, `ts`, `type`'], rows);
}
