import { describe, expect, it } from 'vitest';
import { parseBy } from '../requests.ts';
import { memberAddRequest } from './member-add.ts';
import { groupsRequest } from './groups.ts';
import { membersRequest } from './members.ts';
import { registerRequest } from './register.ts';

const sequence = { handle: 'h', seq: 3, ack: 2 };
const ONES = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
const SSM_NEEDS_SOURCE = { status: 87, reason: 'ssm-needs-source' };

const single = (fields: object) =>
  parseBy(memberAddRequest, { ...sequence, ifIndex: 7, ...fields });
const bulk = (...entries: readonly unknown[]) =>
  parseBy(memberAddRequest, { ...sequence, entries });

describe('the entry of a single request', () => {
  it.each([
    [{}, '', ''],
    [{ group: '', source: '' }, '', ''],
    [{ group: 0, source: 0 }, '', ''],
    [{ group: null, source: null }, '', ''],
    [{ group: '0.0.0.0', source: '::' }, '', ''],
    [{ group: '::' }, '::', ''],
    [{ group: '::0.0.0.0', source: '0.0.0.0' }, '::', ''],
    [{ group: '224.0.0.1' }, '224.0.0.1', ''],
    [{ group: 0xefffffff, source: 0x0a000001 }, '239.255.255.255', '10.0.0.1'],
    [{ group: '232.1.1.1', source: '10.0.0.1' }, '232.1.1.1', '10.0.0.1'],
    [{ group: 'FF02:0::1' }, 'ff02::1', ''],
    [{ group: 'ff0e::1', source: '2001:DB8::1' }, 'ff0e::1', '2001:db8::1'],
    [{ group: 'ff3e::8000:1', source: 'fe80::1' }, 'ff3e::8000:1', 'fe80::1'],
    [{ group: 'ff3e:40:2001:db8::1' }, 'ff3e:40:2001:db8::1', ''],
    [{ group: '224.1.1.1', source: '126.255.255.255' }, '224.1.1.1', '126.255.255.255'],
    [{ group: '224.1.1.1', source: '223.255.255.255' }, '224.1.1.1', '223.255.255.255'],
  ])('%j is (%s, %s)', (fields, group, source) => {
    expect(single(fields)).toEqual({
      kind: 'request',
      request: {
        ...sequence,
        elements: [{ ifIndex: 7, nextHop: '', group, source, forward: false }],
        bulk: false,
      },
    });
  });

  it.each([
    ['group', { group: '10.0.0.1' }],
    ['group', { group: '223.255.255.255' }],
    ['group', { group: '240.0.0.0' }],
    ['group', { group: 'fe80::1' }],
    ['group', { group: 'ff00::1' }],
    ['group', { group: 'ff0f::1' }],
    ['group', { group: 'ff3f::1', source: '::2' }],
    ['group', { group: '::ffff:224.0.0.1' }],
    ['source', { group: '224.1.1.1', source: '224.0.0.1' }],
    ['source', { group: '224.1.1.1', source: '0.0.0.1' }],
    ['source', { group: '224.1.1.1', source: '127.0.0.1' }],
    ['source', { group: '224.1.1.1', source: '255.255.255.255' }],
    ['source', { group: '224.1.1.1', source: '2001:db8::1' }],
    ['source', { group: 'ff0e::1', source: '10.0.0.1' }],
    ['source', { group: 'ff0e::1', source: '::1' }],
    ['source', { group: 'ff0e::1', source: 'ff02::1' }],
    ['source', { group: 'ff0e::1', source: '::ffff:10.0.0.1' }],
    ['source', { source: '10.0.0.1' }],
    ['source', { group: '::', source: '2001:db8::1' }],
    ['flags', { flags: 0 }],
    ['flags', { flags: 4 }],
    ['flags', { flags: 'x' }],
    ['flags', { flags: -1 }],
    ['group', { group: 'x' }],
    ['group', { group: true }],
    ['group', { group: 2 ** 32 }],
    ['source', { group: '224.1.1.1', source: [] }],
    ['nextHop', { nextHop: 'x' }],
    ['ifIndex', { ifIndex: 0 }],
    ['ifIndex', { ifIndex: undefined }],
    ['ifIndex', { ifIndex: null }],
    ['groupMask', { group: '224.1.1.1', groupMask: 'x' }],
    ['groupMask', { group: '224.1.1.1', groupMask: null }],
    ['epoch', { epoch: 7 }],
  ])('is refused with field %s: %j', (field, fields) => {
    expect(single(fields)).toMatchObject({ field, refusal: 'badRequest' });
  });

  it.each([
    { group: '232.0.0.0' },
    { group: '232.255.255.255' },
    { group: 'ff31::1' },
    { group: 'ff3e::1' },
    { group: 'ff3e:0:2001:db8::1' },
  ])('is refused without a source in the SSM range: %j', (fields) => {
    expect(single(fields)).toMatchObject({ refusal: 'ssmNeedsSource' });
  });

  it('has the first fault of group, source, SSM, groupMask, sourceMask, flags', () => {
    const wrong = { groupMask: 1, sourceMask: 1, flags: 0 };
    const named = (fields: object) => single({ ...wrong, ...fields });
    expect(named({ group: '10.0.0.1', source: '127.0.0.1' })).toMatchObject({ field: 'group' });
    expect(named({ group: '232.0.0.1', source: '127.0.0.1' })).toMatchObject({ field: 'source' });
    expect(named({ group: '232.0.0.1' })).toMatchObject({ refusal: 'ssmNeedsSource' });
    expect(named({ group: '224.0.0.1' })).toMatchObject({ field: 'groupMask' });
    const masked = { group: '224.0.0.1', groupMask: 0xffffffff };
    expect(named(masked)).toMatchObject({ field: 'sourceMask' });
    expect(named({ ...masked, sourceMask: 0 })).toMatchObject({ field: 'flags' });
  });
});

describe('a mask', () => {
  const v4 = { group: '224.1.1.1', source: '10.0.0.1' };
  const v6 = { group: 'ff0e::1', source: '2001:db8::1' };
  it.each([
    { ...v4, groupMask: 0xffffffff, sourceMask: '255.255.255.255' },
    { ...v6, groupMask: ONES, sourceMask: ONES.toUpperCase() },
    { groupMask: 0, sourceMask: '::' },
    { group: '::', groupMask: '0.0.0.0', sourceMask: '' },
    { group: '224.1.1.1', groupMask: '255.255.255.255', sourceMask: '0.0.0.0' },
  ])('may name a host, or everything: %j', (fields) => {
    expect(single(fields).kind).toBe('request');
  });

  it.each([
    ['groupMask', { ...v4, groupMask: 0xffffff00 }],
    ['groupMask', { ...v4, groupMask: 0 }],
    ['groupMask', { ...v4, groupMask: ONES }],
    ['groupMask', { ...v6, groupMask: 0xffffffff }],
    ['groupMask', { ...v6, groupMask: '255.255.255.255' }],
    ['groupMask', { groupMask: 0xffffffff }],
    ['sourceMask', { group: '224.1.1.1', sourceMask: 0xffffffff }],
    ['sourceMask', { ...v4, sourceMask: '255.255.255.0' }],
  ])('is refused as %s where it names a range: %j', (field, fields) => {
    expect(single(fields)).toMatchObject({ refusal: 'badRequest', field });
  });
});

describe('flags', () => {
  it.each([
    [undefined, false],
    [null, false],
    [1, false],
    [2, true],
    [3, false],
  ])('%j: FORWARD %s', (flags, forward) => {
    expect(single({ flags })).toMatchObject({ request: { elements: [{ forward }] } });
  });
});

describe('a bulk request', () => {
  it('has its elements in order, each with its own refusal', () => {
    const parsed = bulk(
      [7, null, '224.1.1.1', null],
      [8, '::10.0.0.1', '', '', 2, 'ignored', {}],
      [9, '', '10.0.0.1', '127.0.0.1', 0],
      [9, '', '224.1.1.1', '127.0.0.1'],
      [9, '', '232.1.1.1', ''],
      [9, '', '224.1.1.1', '', 8],
    );
    const on9 = { ifIndex: 9, nextHop: '' };
    expect(parsed).toEqual({
      kind: 'request',
      request: {
        ...sequence,
        bulk: true,
        elements: [
          { ifIndex: 7, nextHop: '', group: '224.1.1.1', source: '', forward: false },
          { ifIndex: 8, nextHop: '::a00:1', group: '', source: '', forward: true },
          { ...on9, refused: { status: 87, reason: 'bad-request', field: 'group' } },
          { ...on9, refused: { status: 87, reason: 'bad-request', field: 'source' } },
          { ...on9, refused: SSM_NEEDS_SOURCE },
          { ...on9, refused: { status: 87, reason: 'bad-request', field: 'flags' } },
        ],
      },
    });
  });

  const right = [7, '', '224.1.1.1', ''];
  it.each([
    ['entries[1]', [right, 7]],
    ['entries[1]', [right, { 0: 7 }]],
    ['entries[1]', [right, [7, '', '224.1.1.1']]],
    ['entries[1][0]', [right, [0, '', '224.1.1.1', '']]],
    ['entries[1][0]', [right, [null, '', '224.1.1.1', '']]],
    ['entries[1][1]', [right, [7, 'x', '224.1.1.1', '']]],
    ['entries[1][2]', [right, [7, '', 'x', '']]],
    ['entries[1][3]', [right, [7, '', '224.1.1.1', '1.2.3']]],
    ['entries[0][4]', [[7, '', '224.1.1.1', '', 'JOIN'], right]],
    ['entries', []],
    ['entries', Array(257).fill(right)],
    ['entries', 'x'],
  ])('is refused whole where it is malformed: %s', (field, entries) => {
    const parsed = parseBy(memberAddRequest, { ...sequence, entries });
    expect(parsed).toMatchObject({ field, refusal: 'badRequest' });
  });

  it.each(['ifIndex', 'nextHop', 'group', 'source', 'groupMask', 'sourceMask', 'flags'])(
    'has no %s of the single form',
    (field) => {
      const parsed = parseBy(memberAddRequest, { ...sequence, entries: [right], [field]: 7 });
      expect(parsed).toMatchObject({ field: 'entries' });
    },
  );

  it('may have up to 256 elements, and an epoch only in the single form', () => {
    expect(bulk(...Array<unknown>(256).fill(right)).kind).toBe('request');
    const parsed = parseBy(memberAddRequest, { ...sequence, entries: [right], epoch: '1' });
    expect(parsed).toMatchObject({ field: 'entries' });
    expect(single({ epoch: '17' })).toMatchObject({ request: { epoch: '17' } });
  });
});

describe('listings', () => {
  it('groups has type all and no handle by default', () => {
    expect(parseBy(groupsRequest, {})).toEqual({
      kind: 'request',
      request: { limit: 256, type: 'all' },
    });
    expect(parseBy(groupsRequest, { type: 'some' })).toMatchObject({ field: 'type' });
  });

  it.each([
    [{}, {}],
    [{ group: null }, {}],
    [{ group: '' }, { group: '' }],
    [{ group: '::' }, { group: '::' }],
    [{ group: '224.1.1.1' }, { group: '224.1.1.1' }],
    [
      { group: '224.1.1.1', source: '' },
      { group: '224.1.1.1', source: '' },
    ],
    [
      { group: '224.1.1.1', source: 0x0a000001 },
      { group: '224.1.1.1', source: '10.0.0.1' },
    ],
    [{ ifIndex: 7 }, { interface: { ifIndex: 7, nextHop: '' } }],
    [{ ifIndex: 7, nextHop: '::1.2.3.4' }, { interface: { ifIndex: 7, nextHop: '::102:304' } }],
    [{ session: 5 }, { session: 5 }],
  ])('members filters by %j', (fields, filter) => {
    expect(parseBy(membersRequest, fields)).toEqual({
      kind: 'request',
      request: { limit: 256, ...filter },
    });
  });

  it.each([
    ['source', { source: '10.0.0.1' }],
    ['nextHop', { nextHop: '10.0.0.1' }],
    ['group', { group: '10.0.0.1' }],
    ['group', { group: 'x' }],
    ['source', { group: '224.1.1.1', source: '127.0.0.1' }],
    ['source', { group: '', source: '10.0.0.1' }],
    ['ifIndex', { ifIndex: 0 }],
  ])('members is refused with field %s: %j', (field, fields) => {
    expect(parseBy(membersRequest, fields)).toMatchObject({ field });
  });
});

describe('alerts of register', () => {
  const register = { protocolId: 1, componentId: 1, instance: 'x'.repeat(16) };
  it('has the known types in the order of the contract', () => {
    const alerts = ['LOCAL_LEAVE', 'TELEPATHY', 'JOIN_ALERT', 'JOIN_ALERT'];
    expect(parseBy(registerRequest, { ...register, alerts })).toMatchObject({
      request: { alerts: ['JOIN_ALERT', 'LOCAL_LEAVE'] },
    });
  });

  it('has at most 32 texts', () => {
    const parsed = (alerts: unknown) => parseBy(registerRequest, { ...register, alerts });
    expect(parsed(Array(32).fill('x'))).toMatchObject({ request: { alerts: [] } });
    expect(parsed(Array(33).fill('x'))).toMatchObject({ field: 'alerts' });
    expect(parsed(['JOIN_ALERT', 7])).toMatchObject({ field: 'alerts[1]' });
    expect(parsed('JOIN_ALERT')).toMatchObject({ field: 'alerts' });
  });
});
