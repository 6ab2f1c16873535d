import { parseBy, parseRequest } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import {
  DOCUMENTED,
  type Documented,
  fieldsOf,
  merged,
  messageNamed,
  type Schema,
  SCHEMAS,
} from './asyncapi-document.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Values at the ends of a schema's range, and values just outside of it. */
interface Probes {
  readonly inside: readonly unknown[];
  readonly outside: readonly unknown[];
}

const NEXT_HOPS: Probes = {
  inside: ['', '10.0.0.1', '2001:DB8::1', 0, 0xffffffff, null],
  outside: ['eth0', '1'.repeat(46), -1, 2 ** 32, 1.5, true, []],
};
const EPOCHS: Probes = {
  inside: ['0', '1', '9'.repeat(20)],
  outside: [1, '', '01', '-1', '0x1', '9'.repeat(21)],
};

const MEMBERSHIP_OPERATION = /^(?:member|groups|admin\.member)/;

/** Fields of membership requests whose rules a schema cannot express. */
const MEMBERSHIP: Readonly<Record<string, Probes>> = {
  group: {
    inside: ['', '224.0.0.1', 'FF0E::1', 0, 0xefffffff, null],
    outside: ['x', '10.0.0.1', 'ff0f::1', -1, 2 ** 32, 1.5, true, []],
  },
  source: {
    inside: ['', '10.0.0.1', 0x0a000001, null],
    outside: ['x', '224.0.0.1', '2001:db8::1', -1, 2 ** 32, 1.5, true, []],
  },
  groupMask: { inside: [0xffffffff, '255.255.255.255'], outside: ['x', 0, 0xffffff00, -1, true] },
  sourceMask: { inside: [0, '0.0.0.0', '::'], outside: ['x', 1, 0xffffffff, -1, true] },
  flags: { inside: [1, 2, 3, null], outside: [0, 4, -1, 1.5, '1', true] },
  type: { inside: ['all', 'any'], outside: ['', 'ALL', 7] },
  entries: {
    inside: [[entry()], Array(256).fill(entry()), [[...entry(), 1, 'newer']]],
    outside: [[], Array(257).fill(entry()), [entry().slice(1)], [7], [[0, '', '', '']], 'x'],
  },
};

function entry(): unknown[] {
  return [7, '', '224.1.1.1', ''];
}

const pairs = (count: number): unknown[] => Array.from({ length: count }, (_, at) => [at + 1, '']);

function probesOf(schema: Schema): Probes {
  const { type, minimum = 0, maximum = 0, minLength = 0, maxLength = 0 } = schema;
  if (schema.anyOf) return NEXT_HOPS;
  if (schema.pattern) return EPOCHS;
  if (schema.enum) return { inside: schema.enum, outside: ['', 'x', 7] };
  switch (type) {
    case 'integer':
      return {
        inside: [minimum, maximum],
        outside: [minimum - 1, maximum + 1, minimum + 0.5, String(minimum), true],
      };
    case 'string':
      return {
        inside: ['x'.repeat(minLength), 'x'.repeat(maxLength)],
        outside: [
          ...(minLength ? ['x'.repeat(minLength - 1)] : []),
          'x'.repeat(maxLength + 1),
          7,
          true,
        ],
      };
    case 'boolean':
      return { inside: [true, false], outside: [1, 'true'] };
    case 'array':
      return probesOfList(schema);
    default:
      throw new Error(`no probes for ${JSON.stringify(schema)}`);
  }
}

function probesOfList(schema: Schema): Probes {
  const { pattern, type } = merged([schema.items as Schema]);
  if (pattern) return probesOfEpochs(schema);
  return type === 'string' ? probesOfTexts(schema) : probesOfPairs(schema);
}

function probesOfTexts({ maxItems = 0 }: Schema): Probes {
  const texts = (count: number): unknown[] => Array.from({ length: count }, () => 'x');
  return { inside: [[], texts(maxItems)], outside: [texts(maxItems + 1), [7], 'x', 7] };
}

function probesOfPairs({ minItems = 0, maxItems = 0, items }: Schema): Probes {
  const pair = merged([items as Schema]);
  expect(pair).toMatchObject({ minItems: 1, maxItems: 2 });
  return {
    inside: [pairs(minItems), pairs(maxItems), [[7]], [[7, 1]]],
    outside: [
      pairs(minItems - 1),
      pairs(maxItems + 1),
      [[]],
      [[7, '', 0]],
      [[0]],
      [[7, 'eth0']],
      [7],
    ],
  };
}

function probesOfEpochs({ minItems = 0, maxItems = 0 }: Schema): Probes {
  const epochs = (count: number): unknown[] => Array.from({ length: count }, () => '0');
  const inside = EPOCHS.inside.map((epoch) => [epoch]);
  const outside = EPOCHS.outside.map((epoch) => [epoch]);
  return {
    inside: [epochs(minItems), epochs(maxItems), ...inside],
    outside: [epochs(minItems - 1), epochs(maxItems + 1), ...outside],
  };
}

const routes = (count: number): unknown[] =>
  Array.from({ length: count }, (_, at) => [`10.${at % 256}.0.0`, 16, 7, '', null, 103]);

const sources = (count: number): unknown[] =>
  Array.from({ length: count }, (_, at) => `10.0.${at >> 8}.${at % 256}`);

const flows = (count: number): unknown[] =>
  Array.from({ length: count }, (_, at) => ['239.1.1.1', `10.0.0.${at % 256}`, 7, '']);

const FLOW = ['239.1.1.1', '10.0.0.1', 7, ''];

const ENTRY = ['239.1.1.1', '10.0.0.1', 7];
const FAILURE = [...ENTRY, 'x'.repeat(64)];

const failures = (count: number): unknown[] => Array.from({ length: count }, () => FAILURE);

const STATS = [...ENTRY, 1, 2, 3, 4, 5, 6, 7, 2 ** 53 - 1];
const OIF = [7, '10.0.0.1', 1, 2, 3, 2 ** 53 - 1];

const stats = (count: number): unknown[] => Array.from({ length: count }, () => [...STATS, [OIF]]);

const HINT = [...FLOW, 1];

const hints = (count: number): unknown[] => Array.from({ length: count }, () => HINT);

/** Lists of routes and prefixes, and a source that is no wildcard. */
const FORWARDING: Readonly<Record<string, Probes>> = {
  'member.set group': {
    inside: ['239.1.1.1', 0xe0000001],
    outside: ['x', '10.0.0.1', '', 0, '::', -1, 2 ** 32, true, []],
  },
  // `none` has no sources, unlike the example.
  'member.set mode': { inside: ['include', 'exclude'], outside: ['', 'all', 7] },
  'member.set sources': {
    inside: [[], ['10.0.0.1', 1 << 24], sources(512)],
    outside: [
      [''],
      [0],
      ['224.0.0.1'],
      ['2001:db8::1'],
      ['10.0.0.1', '10.0.0.1'],
      sources(513),
      'x',
    ],
  },
  'rib.set routes': {
    inside: [routes(1), routes(256), [['::', 0, 7, 0, '', 103, 255, 'ignored']]],
    outside: [[], routes(257), [7], [['10.0.0.0', 8, 7, '', '']], [['x', 8, 7, '', '', 103]]],
  },
  'rib.delete routes': {
    inside: [routes(1), routes(256), [['10.0.0.1', 8]], [[0, 33]]],
    outside: [[], routes(257), [7], [['10.0.0.0']], [['10.0.0.0', '8']], [['', 8]]],
  },
  'flow.new flows': {
    inside: [flows(1), flows(256), [[...FLOW, new Uint8Array(128), 'ignored']], [['', 0, 7, 0]]],
    outside: [
      ...[[], flows(257), [7], [FLOW.slice(1)], [['x', '10.0.0.1', 7, '']]],
      ...[[[...FLOW, new Uint8Array(129)]], [[...FLOW, 'text']]],
    ],
  },
  'flow.stats items': {
    inside: [
      stats(1),
      stats(256),
      [[...STATS, [], 'ignored']],
      [[...STATS, [[...OIF, 'ignored']]]],
    ],
    outside: [
      ...[[], stats(257), [7], [STATS], [[...STATS, 7]], [[...STATS, [7]]]],
      ...[[[...STATS.with(2, 0), []]], [[...STATS.with(3, -1), []]]],
      ...[[[...STATS.with(10, 2 ** 53), []]], [[...STATS, [OIF.slice(0, 5)]]]],
      ...[[[...STATS, [OIF.with(0, 0)]]], [[...STATS, [OIF.with(5, -1)]]]],
    ],
  },
  'flow.wrongif items': {
    inside: [hints(1), hints(64), [[...HINT, new Uint8Array(128), 'ignored']], [[...HINT, null]]],
    outside: [
      ...[[], hints(65), [7], [FLOW], [HINT.with(0, 'x')], [HINT.with(1, '')], [HINT.with(2, 0)]],
      ...[[HINT.with(3, 'x')], [HINT.with(4, 0)], [[...HINT, new Uint8Array(129)]]],
    ],
  },
  'flow.failed items': {
    inside: [failures(1), failures(256), [[...FAILURE, 'ignored']], [[...ENTRY, '']]],
    outside: [
      ...[[], failures(257), [7], [ENTRY], [['x', '10.0.0.1', 7, '']], [['239.1.1.1', '', 7, '']]],
      ...[[['239.1.1.1', '10.0.0.1', 0, '']], [[...ENTRY, 7]], [[...ENTRY, 'x'.repeat(65)]]],
      [[...ENTRY, '\u00fc'.repeat(33)]],
    ],
  },
  'mfe.get group': {
    inside: ['239.1.1.1', 0xe0000100],
    outside: ['', 'x', '10.0.0.1', 0, null, true],
  },
  'mfe.get source': {
    inside: ['10.0.0.1', 0x0a000001],
    outside: ['', 'x', '224.0.0.1', '2001:db8::1', 0, null, true],
  },
  'mfe.set group': {
    inside: ['239.1.1.1', 0xe0000100],
    outside: ['', 'x', '10.0.0.1', 0, null, true],
  },
  'mfe.set source': {
    inside: ['10.0.0.1', 0x0a000001],
    outside: ['', 'x', '224.0.0.1', '2001:db8::1', 0, null, true],
  },
  'mfe.set upstream': { inside: ['10.0.0.1', '', '::1', 1], outside: ['x', -1, true] },
  'mfe.set timeoutMs': {
    inside: [0, 1000, 86_400_000],
    outside: [999, 86_400_001, -1, 1000.5, '1000', true],
  },
  'mfe.list after': {
    inside: [
      ['239.1.1.1', '10.0.0.1'],
      ['ff0e::1', '2001:db8::1'],
    ],
    outside: [[], ['239.1.1.1'], ['239.1.1.1', ''], ['239.1.1.1', '10.0.0.1', 7], 'x', 7],
  },
  'mfe.stats group': {
    inside: ['239.1.1.1', 0xe0000100],
    outside: ['', 'x', '10.0.0.1', 0, true],
  },
  'mfe.stats source': {
    inside: ['10.0.0.1', 0x0a000001],
    outside: ['', 'x', '224.0.0.1', '2001:db8::1', 0, true],
  },
  'mfe.stats after': {
    inside: [
      ['239.1.1.1', '10.0.0.1'],
      ['ff0e::1', '2001:db8::1'],
    ],
    outside: [[], ['239.1.1.1'], ['239.1.1.1', ''], ['239.1.1.1', '10.0.0.1', 7], 'x', 7],
  },
  'rib.resolve source': {
    inside: ['10.0.0.1', 0x0a000001, '2001:db8::1'],
    outside: ['', '224.0.0.1', '0.0.0.0', '::', '::1', 'nowhere', -1, 2 ** 32, true],
  },
};

/** The other fields that a valid value needs. */
function companions(operation: Documented, field: string, value: unknown): Fields {
  // An `ack` at the end of its range needs a `seq` that is not below it.
  if (field === 'seq') return { ack: 1 };
  if (field === 'held' && Array.isArray(value)) return { interfaces: pairs(value.length) };
  if (field === 'source') return { group: '224.1.1.1' };
  if (operation === 'mfe.stats' && field === 'group') return { source: '10.0.0.1' };
  return {};
}

/** A valid request with a `seq` that is high enough for every `ack`. */
function validRequest(operation: Documented, field: string): Fields {
  const [example] = messageNamed(`${operation}.request`).examples;
  const { ifIndex, nextHop, group, ...rest } = example?.payload ?? {};
  if (field === 'entries') return { ...rest, seq: 2 ** 53 - 1 };
  const target = field === 'interfaces' || field === 'held' ? {} : { ifIndex, nextHop };
  return {
    ...rest,
    ...(group !== undefined && { group }),
    ...(ifIndex !== undefined && target),
    ...('seq' in rest && { seq: 2 ** 53 - 1 }),
  };
}

const CASES = DOCUMENTED.flatMap((operation) => {
  const schema = messageNamed(`${operation}.request`).payload;
  const required = merged([schema]).required ?? [];
  return [...fieldsOf(schema)].map(([field, schemas]) => ({
    ...{ operation, field, schema: merged(schemas) },
    isRequired: required.includes(field),
  }));
});

describe('the ranges of docs/asyncapi.yaml are those of the code', () => {
  it.each(CASES)('$operation: $field', ({ operation, field, schema, isRequired }) => {
    const request = {
      ...validRequest(operation, field),
      ...companions(operation, field, undefined),
    };
    const { inside, outside } =
      FORWARDING[`${operation} ${field}`] ??
      ((MEMBERSHIP_OPERATION.test(operation) && MEMBERSHIP[field]) || probesOf(schema));
    const parse = (fields: Fields) => parseBy<object>(SCHEMAS[operation], fields);
    for (const value of inside) {
      const companion = companions(operation, field, value);
      const parsed = parse({ ...request, ...companion, [field]: value });
      expect({ value, parsed }).toMatchObject({ value, parsed: { kind: 'request' } });
    }
    for (const value of [
      ...outside,
      ...(isRequired ? [undefined] : [null].filter(() => !schema.anyOf)),
    ]) {
      const parsed = parse({ ...request, [field]: value });
      const refused = { kind: 'bad-request', field: expect.stringContaining(field) };
      expect({ value, parsed }).toMatchObject({ value, parsed: refused });
    }
  });

  it('the length of a handle is counted in bytes, not in characters', () => {
    const handle = messageNamed('keepalive.request').payload;
    const bytes = merged(fieldsOf(handle).get('handle') ?? []).maxLength ?? 0;
    const parsed = (text: string) => parseRequest('keepalive', { handle: text }).kind;
    expect(parsed('é'.repeat(bytes / 2))).toBe('request');
    expect(parsed('é'.repeat(bytes / 2 + 1))).toBe('bad-request');
  });

  it('a take has as many held epochs as interfaces', () => {
    const [{ payload } = { payload: {} }] = messageNamed('take.request').examples;
    const { ifIndex, nextHop, ...rest } = payload as Fields;
    const parsed = (fields: Fields) => parseRequest('take', { ...rest, ...fields });
    expect(parsed({ ifIndex, nextHop, held: ['1'] }).kind).toBe('request');
    for (const fields of [
      { ifIndex, held: ['1', '2'] },
      { interfaces: pairs(2), held: ['1'] },
    ]) {
      expect(parsed(fields)).toMatchObject({ kind: 'bad-request', field: 'held' });
    }
  });

  it('a request names one interface or a list, not both and not none', () => {
    for (const operation of ['take', 'release'] as const) {
      const [{ payload } = { payload: {} }] = messageNamed(`${operation}.request`).examples;
      const { ifIndex, nextHop, ...rest } = payload as Fields;
      for (const target of [
        {},
        { nextHop },
        { ifIndex, interfaces: [[7]] },
        { nextHop, interfaces: [[7]] },
      ]) {
        expect(parseRequest(operation, { ...rest, ...target })).toMatchObject({
          kind: 'bad-request',
        });
      }
    }
  });
});
