import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPERATIONS, requestSchemas, type OperationName } from './operations/table.ts';
import { parseRequest, refusalOf } from './requests.ts';

const sequence = { handle: 'h', seq: 3, ack: 2 };

it('a request has the defaults of the contract', () => {
  const instance = 'x'.repeat(16);
  expect(parseRequest('register', { protocolId: 0, componentId: 0, instance })).toEqual({
    kind: 'request',
    request: {
      protocolId: 0,
      componentId: 0,
      instance,
      name: '',
      ttlMs: 10_000,
      graceMs: 0,
      takeover: false,
    },
  });
});

it('a request has no unknown fields', () => {
  const parsed = parseRequest('sessions', { limit: 3, colour: 'red' });
  expect(parsed).toEqual({ kind: 'request', request: { limit: 3 } });
});

it('a request has one list of interfaces, in the single and the bulk form', () => {
  const single = parseRequest('take', { ...sequence, ifIndex: 7, nextHop: 0x0a000001 });
  const bulk = parseRequest('take', { ...sequence, interfaces: [[7, '10.0.0.1'], [8]] });
  expect(single).toMatchObject({
    request: { targets: [{ ifIndex: 7, nextHop: '10.0.0.1' }], bulk: false },
  });
  expect(bulk).toMatchObject({
    request: { targets: [{ ifIndex: 7 }, { ifIndex: 8, nextHop: '' }], bulk: true },
  });
});

describe('the reply to a wrong request', () => {
  const replyTo = (operation: OperationName, fields: object) => {
    const parsed = parseRequest(operation, fields);
    return parsed.kind === 'bad-request' ? refusalOf(parsed) : parsed;
  };

  it('names the field, and what it must be', () => {
    expect(replyTo('owner', { ifIndex: 0 })).toEqual({
      status: 87,
      error: 'ERROR_INVALID_PARAMETER',
      reason: 'bad-request',
      field: 'ifIndex',
      message: 'ifIndex: must be 1 to 4294967295',
    });
  });

  it('names the rule instead where a group of SSM has no source', () => {
    const reply = replyTo('member.add', { ...sequence, ifIndex: 7, group: '232.0.0.1' });
    expect(reply).toMatchObject({ status: 87, reason: 'ssm-needs-source' });
    expect(reply).not.toHaveProperty('field');
  });
});

describe('the field that is wrong is named', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => [at + 1, '']);
  it.each<[OperationName, object, string]>([
    ['register', { protocolId: -1, componentId: 0, instance: 'x'.repeat(16) }, 'protocolId'],
    ['register', { protocolId: 1, componentId: 2 ** 32, instance: 'x'.repeat(16) }, 'componentId'],
    ['register', { protocolId: 1, componentId: 1, instance: 'x'.repeat(15) }, 'instance'],
    ['register', { protocolId: 1, componentId: 1, instance: 'x'.repeat(65) }, 'instance'],
    ['keepalive', { handle: 'x'.repeat(65) }, 'handle'],
    ['keepalive', { handle: 'é'.repeat(33) }, 'handle'],
    ['keepalive', { handle: 'h', ack: 0 }, 'ack'],
    ['take', { ...sequence, seq: 0, ifIndex: 1 }, 'seq'],
    ['take', { ...sequence, ack: 4, ifIndex: 1 }, 'ack'],
    ['take', { ...sequence, ifIndex: 0 }, 'ifIndex'],
    ['take', { ...sequence, ifIndex: 2 ** 32 }, 'ifIndex'],
    ['take', { ...sequence, ifIndex: '1' }, 'ifIndex'],
    ['take', { ...sequence, ifIndex: 1, nextHop: 'x' }, 'nextHop'],
    ['take', sequence, 'ifIndex'],
    ['take', { ...sequence, ifIndex: 1, interfaces: [[1, '']] }, 'interfaces'],
    ['take', { ...sequence, nextHop: '10.0.0.1', interfaces: [[1, '']] }, 'interfaces'],
    ['take', { ...sequence, interfaces: [] }, 'interfaces'],
    ['take', { ...sequence, interfaces: many(1025) }, 'interfaces'],
    [
      'take',
      {
        ...sequence,
        interfaces: [
          [1, ''],
          [2, 'x'],
        ],
      },
      'interfaces[1][1]',
    ],
    ['take', { ...sequence, interfaces: [[0, '']] }, 'interfaces[0][0]'],
    ['take', { ...sequence, interfaces: [[1, '', 3]] }, 'interfaces[0]'],
    ['take', { ...sequence, interfaces: [7] }, 'interfaces[0]'],
    ['release', { ...sequence, ifIndex: 1, epoch: 5 }, 'epoch'],
    ['release', { ...sequence, ifIndex: 1, epoch: '0x5' }, 'epoch'],
    ['deregister', { ...sequence, force: 1 }, 'force'],
    ['owner', { ifIndex: 1.5 }, 'ifIndex'],
    ['validate', { ifIndex: 1 }, 'epoch'],
    ['interfaces', { limit: 1001 }, 'limit'],
    ['interfaces', { cursor: 'x'.repeat(129) }, 'cursor'],
    ['sessions', { limit: 0 }, 'limit'],
    ['events', {}, 'from'],
    ['events', { from: -1 }, 'from'],
    ['mailbox', { handle: 'h', from: 0.5 }, 'from'],
    ['admin.release', { ifIndex: 1, actor: 'a' }, 'why'],
    ['admin.release', { ifIndex: 1, actor: '', why: 'w' }, 'actor'],
    ['admin.evict', { session: 0, actor: 'a', why: 'w' }, 'session'],
    ['owner', { ifIndex: 1, deadlineMs: -1 }, 'deadlineMs'],
    ['owner', { ifIndex: 1, deadlineMs: 2 ** 32 }, 'deadlineMs'],
  ])('%s %j: %s', (operation, message, field) => {
    expect(parseRequest(operation, message)).toMatchObject({
      kind: 'bad-request',
      field,
      message: expect.stringMatching(new RegExp(`^${field.replace(/[[\]]/g, '\\$&')}: .+`)),
    });
  });
});

describe('whatever a message contains', () => {
  const anything = fc.oneof(
    fc.constantFrom(
      0,
      1,
      -1,
      0.5,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 53,
      Number.NaN,
      null,
      undefined,
      true,
    ),
    fc.constantFrom('', '0.0.0.0', '::', '10.0.0.1', 'h'.repeat(64), 'é'.repeat(33), '17'),
    fc.array(fc.array(fc.oneof(fc.nat(), fc.constantFrom('', '10.0.0.1', null)), { maxLength: 3 })),
    fc.anything(),
  );
  const fields = fc.constantFrom(
    ...OPERATIONS.flatMap((operation) => Object.keys(requestSchemas[operation].entries)),
  );
  const base = fc.constantFrom({}, { ...sequence, ifIndex: 1 }, { ...sequence, interfaces: [[1]] });
  const message = fc
    .tuple(base, fc.dictionary(fields, anything))
    .map(([right, strange]) => ({ ...right, ...strange }));

  it('parsing returns a request, or names the field that is wrong', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OPERATIONS), message, (operation, given) => {
        const parsed = parseRequest(operation, given);
        if (parsed.kind === 'bad-request') {
          expect(parsed.message.startsWith(`${parsed.field}: `)).toBe(true);
          const [field = ''] = parsed.field.split('[');
          expect(Object.keys(requestSchemas[operation].entries)).toContain(field);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
