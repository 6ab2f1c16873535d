import { describe, expect, it } from 'vitest';
import {
  isAlertMessage,
  isCallbackMessage,
  isEventMessage,
  isHeadMessage,
  isMembershipEvent,
  isMfeMessage,
  isOperatorEvent,
} from './received.ts';

const MFE = {
  ...{ group: '232.1.1.1', source: '10.0.0.9', incarnation: 7, ifIndex: 1, nextHop: '' },
  ...{ iifEpoch: '17', protocolId: 103, session: 5, upstream: '10.9.9.9' },
  route: { network: '10.0.0.0', length: 8, protocolId: 103 },
  ...{ upMs: 0, expiresInMs: 900_000, timeoutMs: 900_000, foreignAlerted: true },
  ...{ oifs: [[3, '']], oifCount: 1 },
};
const set = (fields: object): object => ({ items: [['set', { ...MFE, ...fields }]], last: 4 });

/** Each message, and changes that make it no message of the contract. */
const MESSAGES = [
  {
    what: 'an event',
    check: isEventMessage,
    message: {
      ...{ rev: 7, ts: 1_795_360_064_929, type: 'released', session: 5, protocolId: 103 },
      ...{ componentId: 1, ifIndex: 7, nextHop: '10.0.0.1', epoch: '17', cause: 'admin' },
      ...{ actor: 'ann', why: 'maintenance\u001b[2J', colour: 'red' },
    },
    wrong: [
      ...[{ rev: 0 }, { rev: '7' }, { rev: 7.5 }, { ts: -1 }, { type: 'x\u001b[2J' }, { type: 7 }],
      ...[{ session: -1 }, { protocolId: 2 ** 32 }, { componentId: null }, { ifIndex: 0 }],
      ...[{ nextHop: 'x' }, { nextHop: '::10.0.0.1' }, { nextHop: 7 }, { epoch: 17 }],
      ...[
        { epoch: '0x5' },
        { previous: {} },
        { cause: 'a b' },
        { actor: 'x'.repeat(257) },
        { why: 7 },
      ],
    ],
  },
  {
    what: 'an entry of the operator log',
    check: isOperatorEvent,
    message: {
      ...{ number: 3, ts: 1, type: 'refused', rev: 0, operation: 'admin.end-holdoff' },
      ...{ reason: 'not-found', actor: 'ann', why: 'no former owner', caller: 'ops' },
    },
    wrong: [
      ...[{ number: 0 }, { ts: '1' }, { type: 'x\u001b[2J' }, { rev: -1 }, { operation: 'a b' }],
      ...[{ reason: '\u009b31m' }, { actor: 7 }, { why: undefined }, { caller: {} }],
      ...[{ session: '5' }, { ifIndex: 0 }, { nextHop: 'x' }, { epoch: 17 }],
    ],
  },
  {
    what: 'a head',
    check: isHeadMessage,
    message: {
      rev: 0,
      first: 0,
      ts: 1,
      log: 'abc',
      mrev: 5,
      mfirst: 1,
      settled: 0,
      rrev: 3,
      rsettled: 2,
      schema: 4,
      ...{ frev: 9, ffirst: 1, msettled: 5 },
    },
    wrong: [
      { rev: undefined },
      { first: '0' },
      { log: '' },
      { log: 7 },
      { mrev: -1 },
      { settled: 'x' },
      { rrev: -1 },
      { rsettled: 'x' },
      { schema: '3' },
      ...[{ frev: '9' }, { ffirst: -1 }, { msettled: null }],
    ],
  },
  {
    what: 'a callback to IGMP',
    check: isCallbackMessage,
    message: {
      seq: 1,
      type: 'DISABLE_IGMP',
      ts: 1,
      ifIndex: 7,
      nextHop: '',
      rev: 9,
      cause: 'take',
    },
    wrong: [{ seq: 0 }, { type: 'TELEPATHY' }, { rev: undefined }, { ifIndex: -1 }, { cause: {} }],
  },
  {
    what: 'a callback about a loss',
    check: isCallbackMessage,
    message: {
      ...{ seq: 1, type: 'OWNERSHIP_LOST', ts: 1, ifIndex: 7, nextHop: 'fe80::1', epoch: '17' },
      ...{ cause: 'evict', why: 'it hangs' },
    },
    wrong: [{ epoch: undefined }, { epoch: 17 }, { nextHop: 'FE80::1' }, { why: [] }],
  },
  {
    what: 'a JOIN alert',
    check: isAlertMessage,
    message: {
      ...{ seq: 1, ts: 1, type: 'JOIN_ALERT', memberUpdate: true, mrev: 5, cause: 'member' },
      items: [
        ['224.1.1.1', ''],
        ['ff0e::1', '2001:db8::1', 'newer'],
        ['', ''],
        ['::', ''],
      ],
    },
    wrong: [
      ...[{ items: [] }, { items: 'x' }, { items: [['10.0.0.1', '']] }, { items: [['224.1.1.1']] }],
      ...[{ items: [['FF0E::1', '']] }, { items: [['224.1.1.1', '127.0.0.1']] }, { cause: 7 }],
      ...[{ items: Array(257).fill(['', '']) }, { memberUpdate: 1 }, { mrev: '5' }],
    ],
  },
  {
    what: 'a PRUNE alert',
    check: isAlertMessage,
    message: {
      ...{ seq: 1, ts: 1, type: 'PRUNE_ALERT', memberDelete: true, mrev: 5, cause: 'take' },
      ...{ window: true, items: [['224.1.1.1', '', 7, '10.0.0.1', false]] },
    },
    wrong: [
      ...[
        { items: [['224.1.1.1', '', 7, '10.0.0.1']] },
        { items: [['224.1.1.1', '', 0, '', true]] },
      ],
      ...[{ items: [['224.1.1.1', '', 7, '010.0.0.1', true]] }, { window: 'yes' }],
    ],
  },
  {
    what: 'a PRUNE alert of an (s,g) whose incoming interface moved',
    check: isAlertMessage,
    message: {
      ...{ seq: 1, ts: 1, type: 'PRUNE_ALERT', memberDelete: true, mrev: 5, cause: 'iif-moved' },
      items: [['224.1.1.1', '10.0.0.1', 0, '', false]],
    },
    wrong: [
      { items: [['224.1.1.1', '', 0, '', false]] },
      { items: [['224.1.1.1', '10.0.0.1', 0, '10.0.0.2', false]] },
      { items: [['224.1.1.1', '10.0.0.1', 0, '']] },
    ],
  },
  {
    what: 'a LOCAL alert',
    check: isAlertMessage,
    message: {
      ...{ seq: 1, ts: 1, type: 'LOCAL_JOIN', mrev: 5, cause: 'member' },
      items: [['224.1.1.1', '10.0.0.9', 7, '']],
    },
    wrong: [{ items: [['224.1.1.1', '10.0.0.9']] }, { type: 'LOCAL_PARTY' }],
  },
  {
    what: 'a RESYNC',
    check: isAlertMessage,
    message: { seq: 1, ts: 1, type: 'RESYNC', mrev: 5 },
    wrong: [{ seq: undefined }, { mrev: undefined }],
  },
  {
    what: 'a membership event',
    check: isMembershipEvent,
    message: {
      ...{ first: 4, mrev: 5, ts: 1, type: 'joined', session: 5, protocolId: 103, componentId: 1 },
      ...{ countsFor: 5, cause: 'member', actor: 'ann', why: 'receivers without IGMP' },
      items: [
        ['224.1.1.1', '', 7, ''],
        ['224.1.1.2', '', 7, ''],
      ],
    },
    wrong: [
      ...[{ first: 5 }, { mrev: 4 }, { type: 'came' }, { countsFor: -1 }, { session: '5' }],
      ...[{ items: [['224.1.1.1', '', 7, '']] }, { cause: undefined }, { actor: 7 }],
    ],
  },
  {
    what: 'a message about forwarding entries',
    check: isMfeMessage,
    message: {
      ...{ first: 4, last: 6, ts: 1 },
      items: [
        ['set', MFE],
        ['set', { ...MFE, ifIndex: 0, iifEpoch: '0', session: 0, oifs: [] }],
        ['del', 'ff0e::1', '2001:db8::1', 6, 'timeout'],
      ],
    },
    wrong: [
      ...[
        { first: 5 },
        { last: 7 },
        { ts: '1' },
        { items: [] },
        { items: [['put', MFE]], last: 4 },
      ],
      ...[{ items: [['del', '239.1.1.1', '10.0.0.9', 0, 'route']], last: 4 }],
      ...[{ items: [['del', '239.1.1.1', '', 7, 'route']], last: 4 }],
      ...[{ incarnation: 0 }, { group: '239.1.1.01' }, { source: '' }, { source: '::1' }].map(set),
      ...[{ iifEpoch: 17 }, { session: '5' }, { oifs: [[0, '']] }, { oifs: [[3, 'x']] }].map(set),
      ...[{ oifs: undefined }, { route: 7 }, { upstream: 'x' }, { upMs: -1 }].map(set),
    ],
  },
];

describe.each(MESSAGES)('$what', ({ check, message, wrong }) => {
  it('is accepted, whatever unknown fields it has', () => {
    expect(check(message)).toBe(true);
    expect(check({ ...message, colour: { deep: 'red' } })).toBe(true);
  });

  it.each(wrong.map((fields) => ({ fields })))('is refused with $fields', ({ fields }) => {
    expect(check({ ...message, ...fields })).toBe(false);
  });

  it.each([undefined, null, 7, 'x', [], {}])('is not %j', (value) => {
    expect(check(value)).toBe(false);
  });
});
