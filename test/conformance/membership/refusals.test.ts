import { describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { elements, groupText, listAll } from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { newInstance, Protocols, type RawSession } from '../../support/raw-client.ts';
import type { Fields } from '../../support/raw-codec.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const SOURCE = '10.0.0.1';
const FORWARD = 2;
const CHANGES = ['member.add', 'member.delete'] as const;

overReplicas((stage) => {
  describe('section 3: each refusal', () => {
    it('not-owner, with the holder, where the caller does not hold the interface', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp, igmp } = clients;
      for (const other of [dvmrp, igmp]) {
        for (const op of CHANGES) {
          const reply = await other.change(op, { ifIndex: 7, group: GROUP });
          expectRefused(reply, 87, 'not-owner', { holder: pim.named });
          const bulk = await other.bulk(op, [[7, '', GROUP, '']]);
          expect(bulk).toMatchObject({ status: 0, count: 0, failed: [[0, 87, 'not-owner']] });
        }
      }
    });

    it('not-owner, with IGMP as the holder, where IGMP is alone', async () => {
      const { clients } = await enter(stage, 'S1');
      const reply = await clients.pim.add(7, GROUP);
      expectRefused(reply, 87, 'not-owner', { holder: clients.igmp.named });
    });

    it("not-owner, with the epoch in force, where `epoch` is not that of the caller's hold", async () => {
      const { clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      for (const op of CHANGES) {
        const reply = await clients.pim.change(op, { ifIndex: 7, group: GROUP, epoch: '1' });
        expectRefused(reply, 87, 'not-owner', { current: epoch });
        expect(reply).not.toHaveProperty('holder');
      }
      expect(await clients.pim.add(7, GROUP, { epoch })).toMatchObject({ changed: true });
      expect(await clients.pim.delete(7, GROUP, { epoch })).toMatchObject({ changed: true });
    });

    it("compares the epoch of IGMP's own hold on an interface with an owner", async () => {
      const { clients } = await enter(stage);
      const owned = ok(await clients.pim.take(7));
      const shared = ok(await clients.igmp.take(7));
      const reply = await clients.igmp.add(7, GROUP, { epoch: owned.epoch });
      expectRefused(reply, 87, 'not-owner', { current: shared.epoch });
      expect(await clients.igmp.add(7, GROUP, { epoch: shared.epoch })).toMatchObject({
        changed: true,
      });
    });

    it('not-found, 87 for an add and 1168 for a delete, where no client holds the interface', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      expectRefused(await pim.add(8, GROUP), 87, 'not-found');
      expectRefused(await pim.delete(8, GROUP), 1168, 'not-found');
      // (7, none) and (7, next hop) are two interfaces.
      const hop = { ifIndex: 7, nextHop: '10.0.0.9', group: GROUP };
      expectRefused(await pim.change('member.add', hop), 87, 'not-found');
      const element = [8, '', GROUP, ''];
      const added = ok(await pim.bulk('member.add', [element]));
      expect(added.failed).toEqual([[0, 87, 'not-found']]);
      const deleted = ok(await pim.bulk('member.delete', [element]));
      expect(deleted.failed).toEqual([[0, 1168, 'not-found']]);
    });

    it('no-membership for a delete of what the caller does not have', async () => {
      const { clients } = await enter(stage, 'S3(pim)');
      const { pim, igmp } = clients;
      ok(await igmp.add(7, GROUP));
      expectRefused(await pim.delete(7, GROUP), 1168, 'no-membership');
      expectRefused(await igmp.delete(7, GROUP, { source: SOURCE }), 1168, 'no-membership');
      expectRefused(await igmp.delete(7), 1168, 'no-membership');
      const { failed } = ok(await pim.bulk('member.delete', [[7, '', GROUP, '']]));
      expect(failed).toEqual([[0, 1168, 'no-membership']]);
    });

    it('no-mfe for FORWARD of an exact (s,g)', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      for (const op of CHANGES) {
        const fields = { ifIndex: 7, group: GROUP, source: SOURCE, flags: FORWARD };
        expectRefused(await clients.pim.change(op, fields), 1003, 'no-mfe');
        const { failed } = ok(await clients.pim.bulk(op, [[7, '', GROUP, SOURCE, FORWARD]]));
        expect(failed).toEqual([[0, 1003, 'no-mfe']]);
      }
    });

    it('not-owner, with the holder, for FORWARD by IGMP on an interface with an owner', async () => {
      const { clients } = await enter(stage, 'S3(pim)');
      for (const op of CHANGES) {
        const fields = { ifIndex: 7, group: GROUP, flags: FORWARD };
        const reply = await clients.igmp.change(op, fields);
        expectRefused(reply, 87, 'not-owner', { holder: clients.pim.named });
        const { failed } = ok(await clients.igmp.bulk(op, [[7, '', GROUP, '', FORWARD]]));
        expect(failed).toEqual([[0, 87, 'not-owner']]);
      }
    });

    it.each([
      ['not-owner', 'dvmrp', 'member.add', { ifIndex: 7, group: GROUP }],
      ['not-found', 'dvmrp', 'member.add', { ifIndex: 8, group: GROUP }],
      ['not-found', 'dvmrp', 'member.delete', { ifIndex: 8, group: GROUP }],
      ['no-membership', 'pim', 'member.delete', { ifIndex: 7, group: GROUP }],
      ['no-mfe', 'pim', 'member.add', { ifIndex: 7, group: GROUP, source: SOURCE, flags: 2 }],
    ] as const)('%s is stored: %s, %s %j again has the same reply', async (...row) => {
      const [reason, role, op, fields] = row;
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp } = clients;
      const request = { ...clients[role].next(), ...fields };
      const first = await router.request(op, request);
      expect(first).toMatchObject({ reason });
      // Decided anew, each would now be refused in another way, or accepted. `ack` stays below the first request.
      const later = (client: RawSession, seq: number, more: Fields) => ({
        ...{ handle: client.handle, seq, ack: 1 },
        ...more,
      });
      const [onSeven, onEight] = [{ ifIndex: 7 }, { ifIndex: 8 }];
      ok(await router.request('release', later(pim, 100, onSeven)));
      ok(await router.request('take', later(dvmrp, 100, role === 'pim' ? onSeven : onEight)));
      expect(await router.request(op, request)).toEqual(first);
    });
  });

  describe('section 3: the order of checks', () => {
    it('the message before the handle, and its `seq` stays unused', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const sequence = { ...clients.pim.next(), ifIndex: 7 };
      const forged = { ...sequence, handle: newInstance() };
      const bad = await router.request('member.add', { ...forged, group: '10.0.0.1' });
      expectRefused(bad, 87, 'bad-request', { field: 'group' });
      const ssm = await router.request('member.add', { ...sequence, group: '232.1.1.1' });
      expectRefused(ssm, 87, 'ssm-needs-source');
      expectRefused(
        await router.request('member.add', { ...forged, group: GROUP }),
        87,
        'bad-handle',
      );
      const right = await router.request('member.add', { ...sequence, group: GROUP });
      expect(right).toMatchObject({ status: 0, changed: true });
    });

    it('the handle before `seq`, and `seq` before the interface', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const used = pim.next();
      ok(await router.request('take', { ...used, ifIndex: 9 }));
      const reused = { ...used, ifIndex: 8, group: GROUP };
      const forged = { ...reused, handle: newInstance() };
      expectRefused(await router.request('member.add', forged), 87, 'bad-handle');
      const other = await router.request('member.add', reused);
      expectRefused(other, 87, 'bad-request', { field: 'seq' });
      ok(await pim.keepalive({ ack: used.seq + 1 }));
      expectRefused(await router.request('member.add', reused), 87, 'stale-request');
    });

    it('in bulk the address before the interface', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      const wrong = [
        [8, '', '10.0.0.1', ''],
        [8, '', '232.1.1.1', ''],
        [8, '', GROUP, '', 4],
        [8, '', GROUP, ''],
      ];
      const { failed } = ok(await clients.pim.bulk('member.add', wrong));
      expect(failed).toEqual([
        [0, 87, 'bad-request', 'group'],
        [1, 87, 'ssm-needs-source'],
        [2, 87, 'bad-request', 'flags'],
        [3, 87, 'not-found'],
      ]);
    });

    it('the hold before the epoch, the epoch before FORWARD, that before the forwarding entry', async () => {
      const { clients } = await enter(stage);
      const { pim, dvmrp, igmp } = clients;
      ok(await pim.take(7));
      const shared = ok(await igmp.take(7));
      const exact = { source: SOURCE, flags: FORWARD };
      const other = await dvmrp.add(7, GROUP, { ...exact, epoch: '1' });
      expectRefused(other, 87, 'not-owner', { holder: pim.named });
      const old = await igmp.add(7, GROUP, { ...exact, epoch: '1' });
      expectRefused(old, 87, 'not-owner', { current: shared.epoch });
      const forward = await igmp.add(7, GROUP, { ...exact, epoch: shared.epoch });
      expectRefused(forward, 87, 'not-owner', { holder: pim.named });
      expectRefused(await pim.add(7, GROUP, exact), 1003, 'no-mfe');
      expectRefused(await pim.add(8, GROUP, { ...exact, epoch: '1' }), 87, 'not-found');
    });
  });
});

/** The smallest limit that may be set. */
const ENTRIES_MAX = 1000;

overReplicas(
  (stage) => {
    describe('section 3: the limit of entries', () => {
      it('refuses what would exceed it, also in the middle of a bulk request, and nothing happens', async () => {
        const client = await almostFull(stage);
        const two = [
          [7, '', groupText(998), ''],
          [7, '', groupText(999), ''],
          [7, '', groupText(1000), ''],
          [8, '', groupText(0), ''],
        ];
        const bulk = ok(await client.bulk('member.add', two));
        expect(bulk).toMatchObject({ count: 3, failed: [[2, 1003, 'limit']] });
        const request = { ...client.next(), ifIndex: 7, group: groupText(1001) };
        const refused = await client.router.request('member.add', request);
        expectRefused(refused, 1003, 'limit', {
          message: expect.stringContaining('entries'),
        });
        expect(await client.router.request('member.add', request)).toEqual(refused);
        expect(await listAll(client.router, 'groups')).toHaveLength(ENTRIES_MAX);
        const { mrev } = ok(await client.router.request('groups', { limit: 1 }));
        expect(mrev).toBe(ENTRIES_MAX + 1);
      });

      it('concerns entries: more memberships of present ones, repeats and deletes are accepted', async () => {
        const client = await almostFull(stage);
        ok(await client.bulk('member.add', elements(7, 2, 998)));
        expectRefused(await client.add(7, '239.1.1.1'), 1003, 'limit');
        expect(await client.add(8, groupText(5))).toMatchObject({ changed: true });
        expect(await client.add(7, groupText(5))).toMatchObject({ status: 0, changed: false });
        expect(await client.delete(7, groupText(6))).toMatchObject({ changed: true });
        expect(await client.add(7, '239.1.1.1')).toMatchObject({ changed: true });
        expectRefused(await client.add(7, groupText(6)), 1003, 'limit');
      });

      it('is checked last: what is wrong in other ways is refused as that', async () => {
        const client = await almostFull(stage);
        ok(await client.bulk('member.add', elements(7, 2, 998)));
        const fields = { source: SOURCE, flags: FORWARD };
        expectRefused(await client.add(7, '239.1.1.1', fields), 1003, 'no-mfe');
        expectRefused(await client.add(9, '239.1.1.1'), 87, 'not-found');
        expectRefused(await client.add(7, '239.1.1.1', { epoch: '1' }), 87, 'not-owner');
        expectRefused(await client.add(7, '10.0.0.1'), 87, 'bad-request', { field: 'group' });
      });
    });
  },
  { env: { MGM_ENTRIES_MAX: String(ENTRIES_MAX) } },
);

/** A client on interfaces 7 and 8 of a router that has two entries less than it may. */
async function almostFull(stage: Stage): Promise<RawSession> {
  const client = await stage.router().register({ protocolId: Protocols.pim });
  ok(
    await client.takeAll([
      [7, ''],
      [8, ''],
    ]),
  );
  for (let first = 0; first < ENTRIES_MAX - 2; first += 256) {
    const count = Math.min(256, ENTRIES_MAX - 2 - first);
    expect(await client.bulk('member.add', elements(7, count, first))).toMatchObject({ count });
  }
  return client;
}
