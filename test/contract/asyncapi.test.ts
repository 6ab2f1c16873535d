import { createRequire } from 'node:module';
import {
  type AlertMessage,
  type CallbackMessage,
  type SessionLostCallback,
  type Cause,
  decodeMessage,
  encodeMessage,
  EVENT_TYPES,
  isRouterName,
  MEMBERSHIP_EVENT_TYPES,
  type MembershipCause,
  parseBy,
  QUEUE_GROUP,
  type Question,
  Refusals,
  replyFields,
  statusName,
  subjectsUnder,
} from '@mgm/protocol';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { formatsIn } from '../support/wire-scan.ts';
import {
  asyncApi,
  DOCUMENTED,
  type Documented,
  faultsIn,
  fieldsOf,
  merged,
  messageNamed,
  references,
  resolve,
  type Schema,
  SCHEMAS,
} from './asyncapi-document.ts';

const { channels, components, operations } = asyncApi;

/** The published schema of AsyncAPI 3.0, without the drafts of JSON Schema that ajv has built in. */
function asyncApiSchema(): object {
  const require = createRequire(import.meta.url);
  const schema = structuredClone(
    require('@asyncapi/specs/schemas/3.0.0.json') as { definitions: Record<string, object> },
  );
  delete schema.definitions['http://json-schema.org/draft-04/schema'];
  delete schema.definitions['http://json-schema.org/draft-07/schema'];
  return schema;
}

describe('docs/asyncapi.yaml', () => {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const isAsyncApi = ajv.compile(asyncApiSchema());

  it('is AsyncAPI 3.0', () => {
    isAsyncApi(asyncApi);
    expect(isAsyncApi.errors).toBeNull();
    expect(isAsyncApi({ ...asyncApi, info: {} })).toBe(false);
  });

  it('has a target for each reference and a reference to each component', () => {
    const all = new Set(references(asyncApi));
    for (const ref of all) expect(() => resolve(ref)).not.toThrow();
    expect(() => resolve('#/components/schemas/Nothing')).toThrow('has no target');
    for (const kind of ['messages', 'schemas', 'operationBindings'] as const) {
      for (const name of Object.keys(components[kind])) {
        expect(all).toContain(`#/components/${kind}/${name}`);
      }
    }
  });

  it('lets an operation use messages of its own channels only', () => {
    for (const { channel, messages = [], reply } of Object.values(operations)) {
      for (const { $ref } of messages)
        expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true);
      for (const { $ref } of reply?.messages ?? []) {
        expect($ref.startsWith(`${reply?.channel.$ref}/messages/`)).toBe(true);
      }
    }
  });
});

describe('docs/asyncapi.yaml and the code agree about', () => {
  it('operations, on the same subjects, answered in the same queue group', () => {
    const received = Object.entries(operations).filter(([, { action }]) => action === 'receive');
    expect(received.map(([name]) => name)).toEqual(DOCUMENTED);
    for (const [name, { channel, reply, bindings }] of received) {
      expect(resolve(`${channel.$ref}/address`)).toBe(`mgm.v1.{router}.${name}`);
      expect(reply?.messages.map(({ $ref }) => $ref)).toEqual([
        `#/channels/reply/messages/${name}`,
        '#/channels/reply/messages/refusal',
      ]);
      expect(resolve(bindings?.$ref ?? '')).toMatchObject({ nats: { queue: QUEUE_GROUP } });
    }
  });

  it('the subjects that managers publish on', () => {
    const router = 'ROUTER';
    if (!isRouterName(router)) throw new Error(router);
    const subjects = subjectsUnder();
    const address = (name: string) => channels[name]?.address?.replace('{router}', router);
    expect(address('event')?.replace('{type}', 'taken')).toBe(subjects.event(router, 'taken'));
    expect(address('callback')?.replace('{session}', '17')).toBe(
      subjects.callback(router, 17 as never),
    );
    expect(address('ask')?.replace('{session}', '17')).toBe(subjects.ask(router, 17 as never));
    expect(address('hint')?.replace('{session}', '17')).toBe(subjects.hint(router, 17 as never));
    expect(address('mfe')).toBe(subjects.mfe(router));
    expect(address('head')).toBe(subjects.head(router));
  });

  it('refusals: each status with its name and its reasons', () => {
    const rows = components.schemas['RefusalRow']?.oneOf ?? [];
    const documented = rows.flatMap(({ properties }) => {
      const { status, error, reason } = properties ?? {};
      return (reason?.enum ?? []).map((one) => `${status?.const} ${error?.const} ${one}`);
    });
    const ours = Object.values(Refusals).map(
      ({ status, reason }) => `${status} ${statusName(status)} ${reason}`,
    );
    expect(documented.toSorted()).toEqual([...new Set(ours)].toSorted());
    const statuses = merged([{ $ref: '#/components/schemas/RefusalFields' }]).properties?.[
      'status'
    ];
    expect(statuses?.enum).toEqual([
      ...new Set(Object.values(Refusals).map(({ status }) => status)),
    ]);
  });

  it('types of events', () => {
    expect(Object.keys(channels['event']?.messages ?? {})).toEqual(EVENT_TYPES);
    for (const type of EVENT_TYPES) expect(constOf(`event.${type}`, 'type')).toBe(type);
    expect(components.schemas['Event']?.oneOf).toHaveLength(EVENT_TYPES.length);
  });

  it('types of callbacks', () => {
    const types = {
      ...{ DISABLE_IGMP: 0, ENABLE_IGMP: 0, OWNERSHIP_LOST: 0, SESSION_LOST: 0, JOIN_ALERT: 0 },
      ...{ PRUNE_ALERT: 0, LOCAL_JOIN: 0, LOCAL_LEAVE: 0, RESYNC: 0 },
    } satisfies Record<(CallbackMessage | SessionLostCallback | AlertMessage)['type'], unknown>;
    expect(Object.keys(channels['callback']?.messages ?? {})).toEqual(Object.keys(types));
    for (const type of Object.keys(types)) expect(constOf(`callback.${type}`, 'type')).toBe(type);
    expect(components.schemas['Callback']?.oneOf).toHaveLength(Object.keys(types).length);
  });

  it('types of questions, each with an answer', () => {
    const types = { RPF: 0, CREATION_ALERT: 0 } satisfies Record<Question['type'], unknown>;
    for (const channel of ['ask', 'answer']) {
      expect(Object.keys(channels[channel]?.messages ?? {})).toEqual(Object.keys(types));
    }
    for (const type of Object.keys(types)) {
      expect(constOf(`ask.${type}`, 'type')).toBe(type);
      expect(operations[`ask.${type}`]).toMatchObject({
        messages: [{ $ref: `#/channels/ask/messages/${type}` }],
        reply: { messages: [{ $ref: `#/channels/answer/messages/${type}` }] },
      });
    }
  });

  it('causes', () => {
    const causes = {
      take: 0,
      release: 0,
      expire: 0,
      evict: 0,
      admin: 0,
      policy: 0,
    } satisfies Record<Cause, unknown>;
    expect(components.schemas['Cause']?.enum).toEqual(Object.keys(causes));
    const ofMfes = { 'iif-moved': 0, created: 0, route: 0, forward: 0 };
    const ofMemberships = { member: 0, ...causes, ...ofMfes } satisfies Record<
      MembershipCause,
      unknown
    >;
    expect(components.schemas['MembershipCause']?.enum).toEqual(Object.keys(ofMemberships));
  });

  it('types of membership events', () => {
    expect(Object.keys(channels['membership']?.messages ?? {})).toEqual(MEMBERSHIP_EVENT_TYPES);
    for (const type of MEMBERSHIP_EVENT_TYPES) {
      expect(constOf(`membership.${type}`, 'type')).toBe(type);
    }
  });

  it.each(DOCUMENTED)('fields of %s requests, needed or not, and their defaults', (name) => {
    const schema = payloadOf(`${name}.request`);
    const fields = fieldsOf(schema);
    const ours = Object.entries<FieldSchema>(SCHEMAS[name].entries);
    expect([...fields.keys()].toSorted()).toEqual(ours.map(([field]) => field).toSorted());
    expect(merged([schema]).required ?? []).toEqual(
      ours.flatMap(([field, { type }]) => (type === 'optional' ? [] : [field])),
    );
    for (const [field, read] of ours) {
      // The page describes once, for all operations, that an absent next hop means none.
      if (field === 'nextHop') continue;
      const preset = merged(fields.get(field) ?? []).default;
      expect({ field, default: preset }).toEqual({ field, default: read.default });
    }
  });

  it.each(DOCUMENTED)('fields of %s replies', (name) => {
    const fields = [...fieldsOf(payloadOf(`${name}.reply`)).keys()];
    const ours = ['status', 'rev', ...Object.keys(replyFields[name])];
    expect(fields.toSorted()).toEqual(ours.toSorted());
  });
});

/** The compared part of a field's schema. */
interface FieldSchema {
  readonly type: string;
  readonly default?: unknown;
}

const EXAMPLES = Object.entries(components.messages).flatMap(([message, { examples }]) =>
  examples.map((example) => ({ message, ...example })),
);
/** Nesting of a message: map, `items`, item, forwarding entry, `oifs`, pair. */
const REPLY_NESTING = 6;

describe('an example', () => {
  it('exists for every message and has a unique name', () => {
    for (const name of Object.keys(components.messages)) {
      expect(messageNamed(name).examples.length).toBeGreaterThan(0);
    }
    const names = EXAMPLES.map(({ name }) => name);
    expect(names).toHaveLength(new Set(names).size);
  });

  it.each(EXAMPLES)('is valid under its schema: $name', ({ message, payload }) => {
    expect(faultsIn(message, payload)).toEqual([]);
    expect(faultsIn(message, { ...payload, colour: 'red' })).toEqual(['colour is not named']);
  });

  it.each(EXAMPLES)('survives encoding and decoding without floats: $name', ({ payload }) => {
    const bytes = encodeMessage(payload);
    expect(decodeMessage(bytes, bytes.length, REPLY_NESTING)).toEqual({
      kind: 'message',
      value: payload,
    });
    const formats = formatsIn(bytes);
    for (const float of [0xca, 0xcb]) expect(formats).not.toContain(float);
  });

  it.each(EXAMPLES.filter(({ message }) => message.endsWith('.request')))(
    'of a request is accepted: $name',
    ({ message, payload }) => {
      const operation = message.slice(0, -'.request'.length) as Documented;
      expect(parseBy<object>(SCHEMAS[operation], payload)).toMatchObject({ kind: 'request' });
    },
  );

  it.each(EXAMPLES.filter(({ payload }) => 'reason' in payload))(
    'of a refusal has the error and the reason of its status: $name',
    ({ payload }) => expect(payload['error']).toBe(statusName(Number(payload['status']))),
  );
});

function payloadOf(message: string): Schema {
  return messageNamed(message).payload;
}

function constOf(message: string, field: string): unknown {
  return merged(fieldsOf(payloadOf(message)).get(field) ?? []).const;
}
