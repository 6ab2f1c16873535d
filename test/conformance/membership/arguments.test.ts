import { describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { listAll } from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import type { RawSession } from '../../support/raw-client.ts';
import type { Fields } from '../../support/raw-codec.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const ONES = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

/** What a client writes, and the group and source that managers name. */
const TEXTS: readonly (readonly [given: Fields, group: string, source: string])[] = [
  [{ group: '239.1.2.3' }, '239.1.2.3', ''],
  [{ group: 0xef010203 }, '239.1.2.3', ''],
  [{ group: '239.1.2.3', source: '10.0.0.1' }, '239.1.2.3', '10.0.0.1'],
  [{ group: 0xef010203, source: 0x0a000001 }, '239.1.2.3', '10.0.0.1'],
  [{ group: 'FF0E:0:0:0:0:0:0:1' }, 'ff0e::1', ''],
  [{ group: 'ff0e::10.0.0.1' }, 'ff0e::a00:1', ''],
  [{ group: 'ff0e::1', source: '2001:DB8:0::1' }, 'ff0e::1', '2001:db8::1'],
  [{}, '', ''],
  [{ group: null, source: null }, '', ''],
  [{ group: '', source: '' }, '', ''],
  [{ group: 0, source: 0 }, '', ''],
  [{ group: '0.0.0.0', source: '::' }, '', ''],
  [{ group: '::' }, '::', ''],
  [{ group: '::', source: '0.0.0.0' }, '::', ''],
  [{ group: '0:0::0', source: 0 }, '::', ''],
  [{ group: '239.1.2.3', source: '::' }, '239.1.2.3', ''],
  [{ group: 'ff0e::1', source: '0.0.0.0' }, 'ff0e::1', ''],
];

/** Groups at the ends of the ranges, link-local groups, and scopes. */
const GROUPS: readonly unknown[] = [
  ...['224.0.0.0', '224.0.0.1', '224.0.0.255', '231.255.255.255', '233.0.0.0', '239.255.255.255'],
  ...[0xe0000000, 0xefffffff, 'ff01::1', 'ff02::1', 'ff02::1:ff00:1', 'ff0e::1', 'ff7e::1'],
  // Not in ff3x::/32: the second 16 bits are not 0.
  ...['ff3e:1::1', 'ff35:40:2001:db8::1', 'ff1e::1'],
];

const NO_GROUPS: readonly unknown[] = [
  ...['223.255.255.255', '240.0.0.0', '255.255.255.255', '10.0.0.1', '0.0.0.1', 0xdfffffff],
  ...[
    'ff00::1',
    'ff0f::1',
    'ff30::1',
    'ff3f::1',
    'fe80::1',
    '2001:db8::1',
    '::1',
    '::ffff:239.1.1.1',
  ],
];

const SOURCES: readonly Fields[] = [
  { group: '239.1.1.1', source: '1.0.0.0' },
  { group: '239.1.1.1', source: '126.255.255.255' },
  { group: '239.1.1.1', source: '128.0.0.0' },
  { group: '239.1.1.1', source: '223.255.255.255' },
  { group: 'ff0e::1', source: 'fe80::1' },
  { group: 'ff0e::1', source: '::2' },
];

const NO_SOURCES: readonly Fields[] = [
  { group: '239.1.1.1', source: '224.0.0.1' },
  { group: '239.1.1.1', source: '0.0.0.1' },
  { group: '239.1.1.1', source: '127.0.0.1' },
  { group: '239.1.1.1', source: '240.0.0.0' },
  { group: '239.1.1.1', source: '255.255.255.255' },
  { group: '239.1.1.1', source: '2001:db8::1' },
  { group: '239.1.1.1', source: '::ffff:10.0.0.1' },
  { group: 'ff0e::1', source: '10.0.0.1' },
  { group: 'ff0e::1', source: 'ff0e::2' },
  { group: 'ff0e::1', source: '::1' },
  { group: 'ff0e::1', source: '::ffff:10.0.0.1' },
  { group: '', source: '10.0.0.1' },
  { group: '::', source: '2001:db8::1' },
];

const SSM = [
  '232.0.0.0',
  '232.255.255.255',
  0xe8000001,
  'ff31::1',
  'ff3e::8000:1',
  'ff3e:0:2001:db8::1',
];

const HOST_MASKS: readonly Fields[] = [
  { group: '239.1.1.1', groupMask: 0xffffffff },
  { group: '239.1.1.1', groupMask: '255.255.255.255', sourceMask: 0 },
  { group: '239.1.1.1', groupMask: '255.255.255.255', sourceMask: '' },
  { group: '239.1.1.1', source: '10.0.0.1', groupMask: 0xffffffff, sourceMask: '255.255.255.255' },
  { group: 'ff0e::1', source: 'fe80::1', groupMask: ONES, sourceMask: ONES },
  { group: '', groupMask: 0, sourceMask: '0.0.0.0' },
  { group: '::', groupMask: '::', sourceMask: 0 },
];

const NO_HOST_MASKS: readonly (readonly [field: string, fields: Fields])[] = [
  ['groupMask', { group: '239.1.1.1', groupMask: 0xffffff00 }],
  ['groupMask', { group: '239.1.1.1', groupMask: 0 }],
  ['groupMask', { group: '239.1.1.1', groupMask: ONES }],
  ['groupMask', { group: '239.1.1.1', groupMask: 'x' }],
  ['groupMask', { group: 'ff0e::1', groupMask: 0xffffffff }],
  ['groupMask', { group: 'ff0e::1', groupMask: 'ffff::' }],
  ['groupMask', { group: '', groupMask: 0xffffffff }],
  ['groupMask', { group: '239.1.1.1', groupMask: true }],
  ['sourceMask', { group: '239.1.1.1', sourceMask: '255.255.255.255' }],
  ['sourceMask', { group: '239.1.1.1', source: '10.0.0.1', sourceMask: '255.255.255.0' }],
  ['sourceMask', { group: '239.1.1.1', source: '10.0.0.1', sourceMask: 0 }],
];

overReplicas((stage) => {
  describe('section 2: group and source', () => {
    it.each(TEXTS)('%j names (group %s, source %s)', async (given, group, source) => {
      const client = await onInterface(stage);
      expect(await client.add(7, undefined, given)).toMatchObject({ status: 0, changed: true });
      const listed = [[group, source, 7, '', client.session, client.session]];
      expect(await listAll(client.router, 'members')).toEqual(listed);
      // The canonical text is the same membership, also in the bulk form.
      const canonical = [7, '', group, source];
      expect(await client.bulk('member.add', [canonical])).toMatchObject({ count: 0, failed: [] });
      expect(await client.bulk('member.delete', [canonical])).toMatchObject({ count: 1 });
    });

    it.each(GROUPS)('%s is a group', async (group) => {
      const client = await onInterface(stage);
      expect(await client.add(7, group)).toMatchObject({ status: 0, changed: true });
    });

    it.each(NO_GROUPS)('%s is no group', async (group) => {
      await expectRefusedEverywhere(stage, { group }, 'bad-request', 'group');
    });

    it.each(SOURCES)('%j has a source', async (fields) => {
      const client = await onInterface(stage);
      expect(await client.add(7, undefined, fields)).toMatchObject({ status: 0, changed: true });
    });

    it.each(NO_SOURCES)('%j has no source that may be added', async (fields) => {
      await expectRefusedEverywhere(stage, fields, 'bad-request', 'source');
    });

    it.each(SSM)('%s is in the SSM range and needs a source', async (group) => {
      await expectRefusedEverywhere(stage, { group }, 'ssm-needs-source');
      const client = await onInterface(stage);
      const source = String(group).startsWith('ff') ? '2001:db8::1' : '10.0.0.1';
      expect(await client.add(7, group, { source })).toMatchObject({ changed: true });
    });

    it('accepts the wildcard group, which covers the SSM range', async () => {
      const client = await onInterface(stage);
      for (const group of ['', '::']) {
        expect(await client.add(7, group)).toMatchObject({ status: 0, changed: true });
      }
    });
  });

  describe('section 2: masks and flags', () => {
    it.each(HOST_MASKS)('%j names one host, or everything', async (fields) => {
      const client = await onInterface(stage);
      expect(await client.add(7, undefined, fields)).toMatchObject({ status: 0, changed: true });
      expect(await client.delete(7, undefined, fields)).toMatchObject({ changed: true });
    });

    it.each(NO_HOST_MASKS)('%s is refused in %j', async (field, fields) => {
      const client = await onInterface(stage);
      for (const op of ['member.add', 'member.delete'] as const) {
        const reply = await client.change(op, { ifIndex: 7, ...fields });
        expectRefused(reply, 87, 'bad-request', { field });
      }
    });

    it('refuses a mask next to `entries`, whatever it is', async () => {
      const client = await onInterface(stage);
      for (const mask of [{ groupMask: 0xffffffff }, { sourceMask: 0 }]) {
        const entries = [[7, '', '239.1.1.1', '']];
        const reply = await client.change('member.add', { entries, ...mask });
        expectRefused(reply, 87, 'bad-request', { field: 'entries' });
      }
    });

    it.each([undefined, null, 1, 3])('flags %s are JOIN', async (flags) => {
      const client = await onInterface(stage);
      const reply = await client.add(7, '239.1.1.1', { flags });
      expect(reply).toMatchObject({ status: 0, changed: true });
      expect(reply).not.toHaveProperty('matched');
      const bulk = [[7, '', '239.1.1.2', '', flags ?? null]];
      expect(await client.bulk('member.add', bulk)).toMatchObject({ count: 1, failed: [] });
    });

    it.each([0, 4, 5, 0xffffffff])('flags %s are refused', async (flags) => {
      await expectRefusedEverywhere(stage, { group: '239.1.1.1', flags }, 'bad-request', 'flags');
    });
  });

  describe('section 2: malformed requests are refused whole', () => {
    const right = [7, '', '239.1.1.1', ''];
    it.each([
      ['entries[1]', 7],
      ['entries[1]', { ifIndex: 7 }],
      ['entries[1]', [7, '', '239.1.1.2']],
      ['entries[1][0]', [0, '', '239.1.1.2', '']],
      ['entries[1][0]', [null, '', '239.1.1.2', '']],
      ['entries[1][0]', ['7', '', '239.1.1.2', '']],
      ['entries[1][1]', [7, 'eth0', '239.1.1.2', '']],
      ['entries[1][2]', [7, '', 'nowhere', '']],
      ['entries[1][2]', [7, '', true, '']],
      ['entries[1][3]', [7, '', '239.1.1.2', '1.2.3']],
      ['entries[1][4]', [7, '', '239.1.1.2', '', 'JOIN']],
    ])('with field %s: %j', async (field, element) => {
      const client = await onInterface(stage);
      const before = client.next();
      const request = { ...before, entries: [right, element, right] };
      const reply = await client.router.request('member.add', request);
      expectRefused(reply, 87, 'bad-request', { field });
      expect(await listAll(client.router, 'members')).toEqual([]);
      // The number is unused.
      const repeated = { ...before, entries: [right] };
      expect(await client.router.request('member.add', repeated)).toMatchObject({ count: 1 });
    });

    it('ignores what follows the fifth part of an element', async () => {
      const client = await onInterface(stage);
      const element = [...right, 1, 'of a later version', { x: 1 }];
      expect(await client.bulk('member.add', [element])).toMatchObject({ count: 1, failed: [] });
    });

    it('takes nil for absent', async () => {
      const client = await onInterface(stage);
      const element = [7, null, null, null, null];
      expect(await client.bulk('member.add', [element])).toMatchObject({ count: 1, failed: [] });
      const single = { ifIndex: 7, nextHop: null, group: null, source: null, flags: null };
      expect(await client.change('member.add', single)).toMatchObject({ changed: false });
    });

    it('takes fields of the single form that are nil for absent, next to `entries`', async () => {
      const client = await onInterface(stage);
      const absent = { nextHop: null, group: null, source: null, flags: null };
      const bulk = await client.change('member.add', { entries: [right], ...absent });
      expect(bulk).toMatchObject({ status: 0, count: 1, failed: [] });
    });
  });

  it('section 2: names the first violation of group, source, SSM, groupMask, sourceMask, flags', async () => {
    const client = await onInterface(stage);
    const rest = { groupMask: 1, sourceMask: 1, flags: 0 };
    const named = async (fields: Fields) => await client.add(7, undefined, { ...rest, ...fields });
    const none = { group: '10.0.0.1', source: '127.0.0.1' };
    expectRefused(await named(none), 87, 'bad-request', { field: 'group' });
    const ssm = { group: '232.1.1.1' };
    const bad = await named({ ...ssm, source: '127.0.0.1' });
    expectRefused(bad, 87, 'bad-request', { field: 'source' });
    expectRefused(await named(ssm), 87, 'ssm-needs-source');
    const group = { group: '239.1.1.1' };
    expectRefused(await named(group), 87, 'bad-request', { field: 'groupMask' });
    const masked = { ...group, groupMask: 0xffffffff };
    expectRefused(await named(masked), 87, 'bad-request', { field: 'sourceMask' });
    const both = { ...masked, sourceMask: 0 };
    expectRefused(await named(both), 87, 'bad-request', { field: 'flags' });
  });
});

/** A client on interface 7 of a router of its own. */
async function onInterface(stage: Stage): Promise<RawSession> {
  const client = await stage.router().register();
  ok(await client.take(7));
  return client;
}

/** A violation is refused in the single form; in the bulk form its element fails and no other. */
async function expectRefusedEverywhere(
  stage: Stage,
  fields: Fields,
  reason: string,
  field?: string,
): Promise<void> {
  const client = await onInterface(stage);
  const { group = '', source = '', flags } = fields;
  const other = [7, '', '239.9.9.9', ''];
  for (const op of ['member.add', 'member.delete'] as const) {
    const reply = await client.change(op, { ifIndex: 7, ...fields });
    expectRefused(reply, 87, reason, field === undefined ? {} : { field });
    if (field === undefined) expect(reply).not.toHaveProperty('field');
    const element = [7, '', group, source, ...(flags === undefined ? [] : [flags])];
    const bulk = ok(await client.bulk(op, [element, other]));
    const failed = [0, 87, reason, ...(field === undefined ? [] : [field])];
    expect(bulk).toMatchObject({ count: 1, failed: [failed] });
  }
  expect(await listAll(client.router, 'members')).toEqual([]);
}
