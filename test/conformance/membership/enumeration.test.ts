import { describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import {
  elements,
  groupText,
  listAll,
  mailAfter,
  membershipsAfter,
  settled,
} from '../../support/raw-memberships.ts';
import { pack } from '../../support/raw-codec.ts';
import { ok } from '../../support/raw-replies.ts';
import { newInstance, pairs } from '../../support/raw-client.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';

/** Memberships of one entry that one purge removes: more than a page has room for. */
const LEFT_AT_ONCE = 14_000;
const LONG_GROUP = 'ff0e:1111:2222:3333:4444:5555:6666:7777';

/** Entries in the order of listings: IPv4 first, then by group and source as unsigned numbers, wildcards first. */
const ORDERED: readonly (readonly [group: string, source: string])[] = [
  ['', ''],
  ['224.0.0.1', ''],
  ['224.0.0.1', '1.0.0.1'],
  ['224.0.0.1', '9.255.255.255'],
  ['224.0.0.1', '10.0.0.1'],
  ['224.0.0.1', '223.0.0.1'],
  ['224.0.0.2', ''],
  ['224.0.0.10', '10.0.0.1'],
  ['239.255.255.255', ''],
  ['::', ''],
  ['ff01::1', ''],
  ['ff0e::9', ''],
  ['ff0e::9', '::2'],
  ['ff0e::9', '2001:db8::1'],
  ['ff0e::9', 'fe80::1'],
  ['ff0e::10', ''],
];

overReplicas((stage) => {
  describe('section 4.3: groups', () => {
    it('lists each entry once, in order, whatever the size of the page', async () => {
      const { router } = await ordered(stage);
      for (const limit of [1, 2, 3, 7, 1000]) {
        const items = await listAll(router, 'groups', { limit });
        expect(items.map(([group, source]) => [group, source])).toEqual(ORDERED);
      }
    });

    it('of type any lists each group once, without (*,*)', async () => {
      const { router } = await ordered(stage);
      const groups = [...new Set(ORDERED.map(([group]) => group))];
      const listed = groups.filter((group) => group !== '' && group !== '::').map((one) => [one]);
      for (const limit of [1, 2, 3, 1000]) {
        expect(await listAll(router, 'groups', { type: 'any', limit })).toEqual(listed);
      }
    });

    it('tells each client what others want, what is its own, and what IGMP has on its interfaces', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, dvmrp, igmp } = clients;
      ok(await dvmrp.take(8));
      ok(await igmp.take(9));
      ok(await igmp.add(7, '239.0.0.1'));
      ok(await igmp.add(9, '239.0.0.2'));
      ok(await pim.add(7, '239.0.0.3'));
      ok(await dvmrp.add(8, '239.0.0.3'));
      ok(await dvmrp.add(8, ''));
      ok(await pim.add(7, '239.0.0.4', { source: '10.0.0.1' }));
      const rows = async (fields: object) => await listAll(router, 'groups', { ...fields });
      expect(await rows({ handle: pim.handle })).toEqual([
        ['', '', 1, true, false, false],
        // IGMP's membership on an interface of pim counts for pim: others do not want it.
        ['239.0.0.1', '', 1, false, false, true],
        ['239.0.0.2', '', 1, true, false, false],
        ['239.0.0.3', '', 2, true, true, false],
        ['239.0.0.4', '10.0.0.1', 1, false, true, false],
      ]);
      expect(await rows({ handle: dvmrp.handle })).toEqual([
        ['', '', 1, false, true, false],
        ['239.0.0.1', '', 1, true, false, false],
        ['239.0.0.2', '', 1, true, false, false],
        ['239.0.0.3', '', 2, true, true, false],
        ['239.0.0.4', '10.0.0.1', 1, true, false, false],
      ]);
      expect(await rows({ handle: igmp.handle })).toEqual([
        ['', '', 1, true, false, false],
        ['239.0.0.1', '', 1, false, true, false],
        ['239.0.0.2', '', 1, false, true, false],
        ['239.0.0.3', '', 2, true, false, false],
        ['239.0.0.4', '10.0.0.1', 1, true, false, false],
      ]);
      const anonymous = await rows({});
      expect(anonymous.map(([, , , ...told]) => told)).toEqual(Array(5).fill([true, false, false]));
    });

    it('counts clients that an entry counts for, not memberships', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, dvmrp, igmp } = clients;
      ok(await pim.takeAll(pairs(5, 20)));
      ok(await dvmrp.take(8));
      for (const [ifIndex] of pairs(5, 20)) ok(await pim.add(ifIndex, GROUP));
      ok(await igmp.add(7, GROUP));
      ok(await dvmrp.add(8, GROUP));
      expect(await listAll(router, 'groups')).toEqual([[GROUP, '', 2, true, false, false]]);
    });

    it('has `mailbox` only with a handle, at the instant of the page', async () => {
      const { router, clients } = await enter(stage, 'S1');
      const { pim, igmp } = clients;
      expect(await router.request('groups', {})).not.toHaveProperty('mailbox');
      const { handle } = igmp;
      expect(await router.request('groups', { handle })).toMatchObject({ mailbox: 0 });
      ok(await pim.take(7));
      expect(await router.request('groups', { handle })).toMatchObject({ mailbox: 2 });
    });

    it('has no cursor on the last page, and no items of a router without memberships', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const empty = ok(await router.request('groups', {}));
      expect(empty).toMatchObject({ items: [], mrev: 0, settled: empty.rev });
      expect(empty).not.toHaveProperty('cursor');
      ok(await clients.pim.add(7, GROUP));
      expect(await router.request('groups', { limit: 1 })).not.toHaveProperty('cursor');
    });

    it('accepts pages of other sizes, down to 1, with the cursor of a page before', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      ok(await clients.pim.bulk('member.add', elements(7, 200)));
      const found: unknown[] = [];
      let cursor: unknown;
      for (const limit of [100, 50, 10, 5, 1, 1, 1000]) {
        const page = ok(await router.request('groups', { limit, cursor }));
        expect(page.items.length).toBeLessThanOrEqual(limit);
        found.push(...page.items.map(([group]) => group));
        cursor = page.cursor;
      }
      expect(cursor).toBeUndefined();
      expect(found).toEqual(Array.from({ length: 200 }, (_, at) => groupText(at)));
    });

    it('lists exactly once what exists throughout, while other entries come and go', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp } = clients;
      ok(await dvmrp.take(8));
      const kept = elements(7, 200).filter((_, at) => at % 2 === 0);
      ok(await pim.bulk('member.add', kept));
      const moving = elements(8, 200).filter((_, at) => at % 2 === 1);
      const found: unknown[] = [];
      let cursor: unknown;
      for (let turn = 0; turn === 0 || cursor !== undefined; turn++) {
        ok(await dvmrp.bulk(turn % 2 === 0 ? 'member.add' : 'member.delete', moving));
        const page = ok(await router.request('groups', { limit: 7, cursor }));
        found.push(...page.items.map(([group]) => group));
        cursor = page.cursor;
      }
      const present = new Set(kept.map(([, , group]) => group));
      expect(found.filter((group) => present.has(group))).toEqual([...present]);
      expect(new Set(found).size).toBe(found.length);
    });

    it('does not list withdrawn memberships, though a page may then be short and have a cursor', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp } = clients;
      ok(await dvmrp.take(8));
      for (let first = 0; first < 2048; first += 256) {
        ok(await pim.bulk('member.add', elements(7, 256, first)));
      }
      ok(await dvmrp.add(8, groupText(2047)));
      ok(await pim.release(7));
      const items = await listAll(router, 'groups', { limit: 10 });
      expect(items.map(([group]) => group)).toEqual([groupText(2047)]);
      expect(await listAll(router, 'members')).toHaveLength(1);
      await settled(router);
      expect(await listAll(router, 'groups')).toHaveLength(1);
    });

    it('is refused with the handle of no session, and with an invalid cursor', async () => {
      const { router } = await enter(stage);
      expectRefused(await router.request('groups', { handle: newInstance() }), 87, 'bad-handle');
      for (const op of ['groups', 'members'] as const) {
        const reply = await router.request(op, { cursor: 'x'.repeat(129) });
        expectRefused(reply, 87, 'bad-request', { field: 'cursor' });
      }
    });
  });

  describe('section 4.4: members', () => {
    it('lists each membership once, in the order of entries, whatever the size of the page', async () => {
      const { router, pim } = await ordered(stage);
      const { session } = pim;
      for (const limit of [1, 2, 3, 7, 1000]) {
        const items = await listAll(router, 'members', { limit });
        const expected = ORDERED.map((entry) => [...entry, 7, '', session, session]);
        expect(items).toEqual(expected);
      }
    });

    it('is filtered by group, source, session and interface, combined by AND', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, dvmrp, igmp } = clients;
      ok(
        await dvmrp.takeAll([
          [8, ''],
          [8, '10.0.0.9'],
        ]),
      );
      ok(await igmp.take(9));
      const [a, b] = [
        [GROUP, ''],
        [GROUP, '10.0.0.1'],
      ] as const;
      for (const [group, source] of [a, b, ['', ''], ['::', ''], ['ff0e::1', '']]) {
        ok(await pim.add(7, group, { source }));
      }
      ok(await igmp.add(7, GROUP));
      ok(await igmp.add(9, GROUP));
      ok(await dvmrp.change('member.add', { ifIndex: 8, nextHop: '10.0.0.9', group: GROUP }));
      const found = async (fields: object) =>
        (await listAll(router, 'members', { ...fields })).map(
          ([group, source, ifIndex, nextHop, session]) =>
            `${String(group)} ${String(source)} ${String(ifIndex)}/${String(nextHop)} ${nameOf(session)}`,
        );
      const nameOf = (session: unknown) =>
        (['pim', 'dvmrp', 'igmp'] as const).find((role) => clients[role].session === session);
      expect(await found({})).toHaveLength(8);
      const ofGroup = [`${GROUP}  7/ pim`, `${GROUP}  7/ igmp`, `${GROUP}  8/10.0.0.9 dvmrp`];
      const wildcards = [...ofGroup, `${GROUP}  9/ igmp`].toSorted();
      expect((await found({ group: GROUP, source: '' })).toSorted()).toEqual(wildcards);
      expect((await found({ group: GROUP })).toSorted()).toEqual(
        [...wildcards, `${GROUP} 10.0.0.1 7/ pim`].toSorted(),
      );
      expect(await found({ group: GROUP, source: 0x0a000001 })).toEqual([
        `${GROUP} 10.0.0.1 7/ pim`,
      ]);
      for (const wildcard of ['', 0, '0.0.0.0']) {
        expect(await found({ group: wildcard })).toEqual(['  7/ pim']);
      }
      expect(await found({ group: '::' })).toEqual(['::  7/ pim']);
      expect(await found({ group: '239.1.1.2' })).toEqual([]);
      expect(await found({ session: igmp.session })).toHaveLength(2);
      // Of pim also what IGMP has on interface 7, but not on 9, where IGMP is alone.
      expect((await found({ session: pim.session, group: GROUP, source: '' })).toSorted()).toEqual(
        [`${GROUP}  7/ igmp`, `${GROUP}  7/ pim`].toSorted(),
      );
      expect(await found({ session: pim.session })).toHaveLength(6);
      expect(await found({ session: 1 })).toEqual([]);
      expect(await found({ ifIndex: 8 })).toEqual([]);
      expect(await found({ ifIndex: 8, nextHop: '::ffff:10.0.0.9' })).toEqual([]);
      expect(await found({ ifIndex: 8, nextHop: '10.0.0.9' })).toHaveLength(1);
      expect(await found({ ifIndex: 7, session: igmp.session })).toEqual([`${GROUP}  7/ igmp`]);
      expect(await found({ ifIndex: 7, group: '::' })).toEqual(['::  7/ pim']);
    });

    it('names the sessions of the holder and of the client that it counts for, also after inheritance', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, igmp } = clients;
      ok(await igmp.add(7, GROUP));
      const item = [GROUP, '', 7, ''];
      expect(await listAll(router, 'members')).toEqual([[...item, igmp.session, pim.session]]);
      const next = await router.register({ ...pim.asked, instance: newInstance(), takeover: true });
      expect(await listAll(router, 'members')).toEqual([[...item, igmp.session, next.session]]);
      expect(await listAll(router, 'members', { session: pim.session })).toEqual([]);
      expect(await listAll(router, 'members', { session: next.session })).toHaveLength(1);
    });

    it.each([
      ['source', { source: '10.0.0.1' }],
      ['source', { source: '' }],
      ['nextHop', { nextHop: '10.0.0.1' }],
      ['nextHop', { nextHop: '' }],
      ['group', { group: '10.0.0.1' }],
      ['source', { group: GROUP, source: '127.0.0.1' }],
      ['source', { group: '', source: '10.0.0.1' }],
      ['limit', { limit: 1001 }],
    ])('is refused with field %s: %j', async (field, fields) => {
      const reply = await stage.router().request('members', fields);
      expectRefused(reply, 87, 'bad-request', { field });
    });

    it('takes a (*,g) in the SSM range as a filter for the group', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      ok(await clients.pim.add(7, '232.1.1.1', { source: '10.0.0.1' }));
      expect(await listAll(router, 'members', { group: '232.1.1.1' })).toHaveLength(1);
    });

    it('pages through one entry of many memberships', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(120)));
      ok(
        await clients.pim.bulk(
          'member.add',
          pairs(120).map(([at]) => [at, '', GROUP, '']),
        ),
      );
      for (const limit of [1, 50, 119, 120]) {
        const items = await listAll(router, 'members', { limit });
        const on = items.map(([, , ifIndex]) => Number(ifIndex)).toSorted((a, b) => a - b);
        expect(on).toEqual(pairs(120).map(([at]) => at));
      }
    });
  });

  describe('section 4.5: member.events and mailbox', () => {
    it('reads messages after `from`, at most `limit`, with head and first', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      for (let at = 0; at < 5; at++) ok(await pim.add(7, groupText(at)));
      const page = ok(await router.request('member.events', { from: 1, limit: 2 }));
      expect(page).toMatchObject({ head: 5, first: 1, log: expect.any(String) });
      expect(page.events.map(({ first, mrev }) => [first, mrev])).toEqual([
        [2, 2],
        [3, 3],
      ]);
      for (const from of [5, 6, 1000]) {
        expect(await router.request('member.events', { from })).toMatchObject({
          ...{ status: 0, events: [], head: 5 },
        });
      }
      const { log } = ok(await router.request('groups', {}));
      expect(page.log).toBe(log);
    });

    it('begins in the middle of a message with the part after `from`', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      ok(await clients.pim.bulk('member.add', elements(7, 100)));
      const { events } = ok(await router.request('member.events', { from: 40 }));
      expect(events).toMatchObject([{ first: 41, mrev: 100 }]);
      expect(events[0]?.items).toHaveLength(60);
      expect(events[0]?.items[0]).toEqual([groupText(40), '', 7, '']);
    });

    it('answers in pages below 512 KiB with at least one message', async () => {
      const { router, clients } = await enter(stage, 'S1');
      const { igmp, dvmrp } = clients;
      const listening = await router.register({ componentId: 9, alerts: ['JOIN_ALERT'] });
      for (let first = 0; first < 40 * 256; first += 256) {
        ok(await igmp.bulk('member.add', elements(7, 256, first)));
      }
      const { handle } = listening;
      for (const [op, fields] of [
        ['member.events', { from: 0, limit: 1000 }],
        ['mailbox', { from: 0, limit: 1000, handle }],
      ] as const) {
        const bytes = await router.send(op, pack(fields));
        expect(bytes.length).toBeLessThan(512 * 1024);
      }
      const events = await membershipsAfter(router, 0);
      expect(events.map(({ mrev, first }) => mrev - first + 1)).toEqual(Array(40).fill(256));
      const mail = await mailAfter(listening);
      expect(mail.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
      expect(mail.flatMap(({ items = [] }) => items)).toHaveLength(40 * 256);
      expect(await dvmrp.mailbox()).toEqual([]);
    });

    it('answers in such pages also where one step has removed very many memberships', async () => {
      const { router, clients } = await enter(stage);
      const { igmp } = clients;
      const owner = await router.register({ componentId: 9, alerts: ['LOCAL_LEAVE'] });
      const all = pairs(LEFT_AT_ONCE);
      for (let at = 0; at < all.length; at += 1000) {
        for (const client of [owner, igmp]) ok(await client.takeAll(all.slice(at, at + 1000)));
      }
      for (let at = 0; at < all.length; at += 256) {
        const entries = all.slice(at, at + 256).map(([ifIndex]) => [ifIndex, '', LONG_GROUP, '']);
        ok(await igmp.bulk('member.add', entries));
      }
      ok(await igmp.deregister({ force: true }));
      await settled(router);
      const { handle } = owner;
      for (const [op, fields] of [
        ['member.events', { from: LEFT_AT_ONCE, limit: 1000 }],
        ['mailbox', { from: 0, limit: 1000, handle }],
      ] as const) {
        const bytes = await router.send(op, pack(fields));
        expect(bytes.length).toBeLessThan(512 * 1024);
      }
      const events = await membershipsAfter(router, LEFT_AT_ONCE);
      expect(events.flatMap(({ items }) => items)).toHaveLength(LEFT_AT_ONCE);
      const leaves = await mailAfter(owner);
      expect(leaves.flatMap(({ items = [] }) => items)).toHaveLength(LEFT_AT_ONCE);
    });

    it('of a router without memberships is empty', async () => {
      const { router } = await enter(stage);
      expect(await router.request('member.events', { from: 0 })).toMatchObject({
        ...{ status: 0, events: [], head: 0, first: 1 },
      });
    });
  });
});

/** A router with the entries of `ORDERED`, added in another order. */
async function ordered(stage: Stage) {
  const { router, clients } = await enter(stage, 'S2(pim)');
  for (const [group, source] of ORDERED.toReversed()) {
    ok(await clients.pim.add(7, group, { source }));
  }
  return { router, pim: clients.pim };
}
