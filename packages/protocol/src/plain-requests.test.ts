import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationName } from './operations.ts';
import { readPlainly } from './plain-requests.ts';
import { parseThoroughly } from './requests.ts';

const sequence = { handle: '1.2.abc', seq: 3, ack: 2 };

describe('what is plainly right', () => {
  it.each<[OperationName, object]>([
    ['take', { ...sequence, ifIndex: 7 }],
    ['take', { ...sequence, ifIndex: 7, nextHop: 0x0a000001, deadlineMs: 5, colour: 'red' }],
    ['take', { ...sequence, interfaces: [[7], [8, ''], [9, '2001:DB8::1']] }],
    ['release', { ...sequence, ifIndex: 7, epoch: '17' }],
    ['release', { ...sequence, interfaces: [[7, '10.0.0.1']] }],
    ['keepalive', { handle: 'h' }],
    ['keepalive', { handle: 'h', ack: 1, mailboxAck: 0, deadlineMs: 500 }],
  ])('%s %j is read as the schema reads it', (operation, message) => {
    const request = readPlainly(operation, message);
    expect(request).toBeDefined();
    expect(parseThoroughly(operation, message)).toEqual({ kind: 'request', request });
  });
});

/** Values of every sort, those at the edges of what is allowed often among them. */
const anything = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 2 ** 32 - 1, 2 ** 32, 2 ** 53, Number.NaN, null, undefined, true),
  fc.constantFrom(
    '',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    'x',
    'h'.repeat(64),
    'h'.repeat(65),
    'é'.repeat(32),
  ),
  fc.nat(),
  fc.string(),
  fc.array(
    fc.array(fc.oneof(fc.nat(), fc.constantFrom('', '10.0.0.1', null, undefined)), {
      maxLength: 3,
    }),
  ),
);
const FIELDS = [
  ...['handle', 'seq', 'ack', 'ifIndex', 'nextHop', 'interfaces', 'epoch', 'held'],
  ...['deadlineMs', 'mailboxAck', 'other'],
];
const strange = fc.dictionary(fc.constantFrom(...FIELDS), anything);
const right = fc.constantFrom({ ...sequence, ifIndex: 1 }, { ...sequence, interfaces: [[1, '']] });

it('is never read otherwise than by the schema', () => {
  const operation = fc.constantFrom<OperationName>('take', 'release', 'keepalive');
  const message = fc.tuple(right, strange).map(([base, more]) => ({ ...base, ...more }));
  fc.assert(
    fc.property(operation, message, (name, fields) => {
      const request = readPlainly(name, fields);
      if (request === undefined) return;
      expect(parseThoroughly(name, fields)).toEqual({ kind: 'request', request });
    }),
    { numRuns: 5_000 },
  );
});
