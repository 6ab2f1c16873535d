import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';

overReplicas((stage) => {
  let router: RawRouter;
  let pim: RawSession;

  beforeEach(async () => {
    router = stage.router();
    pim = await router.register({ protocolId: Protocols.pim, name: 'pim-1' });
  });

  const set = (session: RawSession, ...routes: unknown[][]) =>
    session.change('rib.set', { routes });

  describe('rib.set', () => {
    it('decides each route by itself and names what is wrong', async () => {
      const reply = ok(
        await set(
          pim,
          ['10.0.0.0', 8, 7, '', '', 103],
          ['10.0.0.1', 8, 7, '', '', 103],
          [0x0a010000, 16, 8, '10.0.0.1', '10.0.0.2', 9, 10],
          ['10.0.0.0', 33, 7, '', '', 103],
          ['::', 0, 7, '', '', 103],
        ),
      );
      expect(reply).toMatchObject({
        count: 3,
        failed: [
          [1, 87, 'bad-request', 'network'],
          [3, 87, 'bad-request', 'length'],
        ],
        rrev: 3,
      });
    });

    it('gives a repeat the first reply, and counts it once', async () => {
      const { handle } = pim;
      const request = { handle, seq: 1, ack: 1, routes: [['10.0.0.0', 8, 7, '', '', 103]] };
      const first = ok(await router.request('rib.set', request));
      expect(ok(await router.request('rib.set', request))).toEqual(first);
      expect(ok(await router.request('rib.list', {}))).toMatchObject({ rrev: 1 });
    });
  });

  describe('rib.resolve', () => {
    it('finds the longest prefix, its interface and the owner of that', async () => {
      ok(await set(pim, ['0.0.0.0', 0, 7, '', '', 103]));
      ok(await set(pim, ['10.1.0.0', 16, 8, '10.0.0.1', '10.0.0.2', 9]));
      ok(await pim.take(7));
      expect(ok(await router.request('rib.resolve', { source: '10.2.0.1' }))).toMatchObject({
        ...{ network: '0.0.0.0', length: 0, ifIndex: 7, nextHop: '', neighbour: '' },
        protocolId: 103,
        owner: { session: pim.session },
      });
      const narrow = ok(await router.request('rib.resolve', { source: 0x0a010001 }));
      const { rev: _, ...fields } = narrow;
      expect(fields).toEqual({
        ...{ status: 0, network: '10.1.0.0', length: 16, ifIndex: 8, nextHop: '10.0.0.1' },
        ...{ neighbour: '10.0.0.2', protocolId: 9 },
      });
      const other = await router.request('rib.resolve', { source: '2001:db8::1' });
      expectRefused(other, 1168, 'not-found');
    });

    it('finds no route of a client that has ended', async () => {
      ok(await set(pim, ['10.0.0.0', 8, 7, '', '', 103]));
      ok(await pim.change('deregister', {}));
      const reply = await router.request('rib.resolve', { source: '10.0.0.1' });
      expectRefused(reply, 1168, 'not-found');
    });
  });

  describe('rib.list', () => {
    const PREFIXES = 300;

    it('lists every route once, by family, network and length', async () => {
      const routes = Array.from({ length: PREFIXES }, (_, at) => [
        `10.${at % 256}.${Math.floor(at / 256)}.0`,
        ...[24, 7, '', '', 103],
      ]);
      ok(await set(pim, ...routes.slice(0, 256)));
      ok(
        await set(
          pim,
          ...routes.slice(256),
          ['::', 0, 7, '', '', 103],
          ['10.0.0.0', 8, 7, '', '', 1],
        ),
      );
      const found: (readonly unknown[])[] = [];
      let cursor: unknown;
      do {
        const page = ok(await router.request('rib.list', { limit: 100, cursor }));
        expect(page.items.length).toBeLessThanOrEqual(100);
        found.push(...page.items);
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(found).toHaveLength(PREFIXES + 2);
      expect(found[0]).toEqual(['10.0.0.0', 8, 7, '', '', 1, 100, pim.session, true]);
      expect(found.at(-1)).toEqual(['::', 0, 7, '', '', 103, 100, pim.session, true]);
      expect(new Set(found.map(([network, length]) => [network, length].join())).size).toBe(
        PREFIXES + 2,
      );
    });
  });

  it('alerts the owner of the interface towards the source, when it moves', async () => {
    const alerts = ['JOIN_ALERT', 'PRUNE_ALERT'];
    const owner = await router.register({ protocolId: 104, alerts });
    const next = await router.register({ protocolId: 105, alerts });
    ok(await owner.take(1));
    ok(await next.take(2));
    ok(await pim.take(3));
    ok(await set(pim, ['10.0.0.0', 8, 1, '', '', 103]));
    ok(await pim.change('member.add', { ifIndex: 3, group: '239.1.1.1', source: '10.0.0.1' }));
    ok(await set(pim, ['10.0.0.0', 8, 2, '', '', 103]));
    const messages = async ({ handle }: RawSession) =>
      ok(await router.request('mailbox', { handle, from: 0 })).messages;
    await eventually(async () => expect(await messages(next)).toHaveLength(1), {
      withinMs: 30_000,
    });
    const item = ['239.1.1.1', '10.0.0.1'];
    expect(await messages(owner)).toMatchObject([
      { type: 'JOIN_ALERT', cause: 'member', items: [item] },
      { type: 'PRUNE_ALERT', cause: 'iif-moved', items: [[...item, 0, '', false]] },
    ]);
    expect(await messages(next)).toMatchObject([
      { type: 'JOIN_ALERT', cause: 'iif-moved', items: [item] },
    ]);
    const { handle } = next;
    expect(ok(await router.request('groups', { handle })).items).toEqual([
      [...item, 1, true, false, false, true],
    ]);
  });
});
