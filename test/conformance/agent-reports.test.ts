import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { unpack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';
import { overReplicas } from '../support/stage.ts';

const GROUP = '239.1.2.3';
const SOURCE = '10.1.2.3';

overReplicas((stage, replicas) => {
  let router: RawRouter;
  let dvmrp: RawSession;

  beforeEach(async () => {
    router = stage.router();
    const pim = await router.register({ protocolId: Protocols.pim });
    dvmrp = await router.register({ protocolId: Protocols.dvmrp });
    ok(await pim.take(1));
    ok(await dvmrp.take(2));
    ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 1, '', '10.0.0.2', 103]] }));
  });

  const flow = async (...flows: unknown[][]) => {
    const { handle } = dvmrp;
    return ok(await router.request('flow.new', { handle, flows })).results;
  };
  const one = (source = SOURCE) => [GROUP, source, 1, ''];
  const agent = (name: string) => router.register({ protocolId: 7, componentId: ++agents, name });
  let agents = 0;
  const get = () => router.request('mfe.get', { group: GROUP, source: SOURCE });
  const join = () => dvmrp.change('member.add', { ifIndex: 2, group: GROUP });

  describe('counters', () => {
    const eight = (first: number) => Array.from({ length: 8 }, (_, at) => first + at);
    type Card = Awaited<ReturnType<typeof agent>>;
    const report = async (
      { handle }: Card,
      number: number,
      counters: number[],
      oifs: unknown[],
    ) => {
      const items = [[GROUP, SOURCE, number, ...counters, oifs]];
      return ok(await router.request('flow.stats', { handle, items })).count;
    };
    const stats = async (fields: object = {}) =>
      ok(await router.request('mfe.stats', { group: GROUP, source: SOURCE, ...fields })).stats;

    it('are sums over the agents with a live session, also in a listing', async () => {
      ok(await join());
      await flow(one(), one('10.1.2.4'));
      const { mfe } = ok(await get());
      const cards = [await agent('line card 1'), await agent('line card 2')] as const;
      const most = Number.MAX_SAFE_INTEGER;
      const far = [most, ...eight(0).slice(1)];
      expect(await report(cards[0], mfe.incarnation + 1, far, [])).toBe(0);
      for (let times = 0; times < 2; times++) {
        expect(await report(cards[0], mfe.incarnation, far, [[2, '', 1, 2, 3, 4]])).toBe(1);
      }
      expect(await report(cards[1], mfe.incarnation, eight(10), [[2, '', 4, 3, 2, 1]])).toBe(1);
      const { upMs: _, expiresInMs: __, oifs: ___, ...entry } = mfe;
      const common = { ...entry, inPkts: most, inOctets: 12, pktsDifferentIf: 14 };
      const first = { ...common, queueOverflow: 16, oifs: [[2, '', 5, 5, 5, 5]] };
      const more = { uninitMfe: 18, negativeMfe: 20, inDiscards: 22, inHdrErrors: 24 };
      const all = { ...first, ...more, totalOutPackets: 5 };
      expect(await stats()).toMatchObject(all);
      expect(await stats({ flags: 2 })).toMatchObject(all);
      const few = await stats({ flags: 1 });
      expect(few).toMatchObject(first);
      for (const name of [...Object.keys(more), 'totalOutPackets']) {
        expect(few).not.toHaveProperty(name);
      }
      const page = ok(await router.request('mfe.stats', { limit: 1 }));
      expect(page).toMatchObject({ items: [all], frev: 2 });
      const { cursor } = page;
      const { items } = ok(await router.request('mfe.stats', { cursor }));
      expect(items).toMatchObject([{ source: '10.1.2.4', inPkts: 0, totalOutPackets: 0 }]);
      const after = [GROUP, SOURCE];
      expect(ok(await router.request('mfe.stats', { after })).items).toHaveLength(1);
      ok(await cards[0].change('deregister', {}));
      expect(await stats()).toMatchObject({ inPkts: 10, oifs: [[2, '', 4, 3, 2, 1]] });
    });

    it('of an entry that does not exist are not found', async () => {
      expectRefused(
        await router.request('mfe.stats', { group: GROUP, source: SOURCE }),
        ...([1168, 'not-found'] as const),
      );
    });
  });

  describe('hints about packets on a wrong interface', () => {
    const header = Uint8Array.of(1, 2, 3);
    const item = (ifIndex: number) => [GROUP, SOURCE, ifIndex, '', 5, header];

    it('are sent to an owner that asked for them, and to no one else', async () => {
      const alerts = ['WRONG_IF'];
      const [owner, other] = [
        await router.register({ protocolId: 901, alerts }),
        await router.register({ protocolId: 902 }),
      ];
      for (const ifIndex of [5, 6, 7]) ok(await owner.take(ifIndex));
      ok(await other.take(8));
      ok(await owner.change('interface.set', { ifIndex: 5, wrongIf: true }));
      ok(await owner.change('interface.set', { ifIndex: 6, wrongIf: true }));
      ok(await owner.change('interface.set', { ifIndex: 6, wrongIf: false }));
      ok(await other.change('interface.set', { ifIndex: 8, wrongIf: true }));
      const { handle } = await agent('line card 1');
      const subject = `${router.prefix}.${router.name}.hint.*`;
      const seen: unknown[] = [];
      const subscription = router.nats.subscribe(subject, {
        callback: (_, { subject: to, data }) => seen.push([to, unpack(data)]),
      });
      try {
        await router.nats.flush();
        const items = [5, 6, 7, 8, 9].map(item);
        expect(ok(await router.request('flow.wrongif', { handle, items })).count).toBe(1);
        const fields = { type: 'WRONG_IF', group: GROUP, source: SOURCE, ifIndex: 5, nextHop: '' };
        const to = `${router.prefix}.${router.name}.hint.${owner.session}`;
        const bytes: unknown = expect.toSatisfy((value) => Buffer.from(header).equals(value));
        const hint = [to, { ...fields, count: 5, header: bytes }];
        await eventually(() => expect(seen).toEqual([hint]), { withinMs: 30_000 });
        ok(await owner.change('deregister', { force: true }));
        expect(ok(await router.request('flow.wrongif', { handle, items })).count).toBe(0);
      } finally {
        subscription.unsubscribe();
      }
    });

    it('are at most 100 per second, manager and interface', async () => {
      const owner = await router.register({ protocolId: 901, alerts: ['WRONG_IF'] });
      ok(await owner.take(5));
      ok(await owner.change('interface.set', { ifIndex: 5, wrongIf: true }));
      const { handle } = await agent('line card 1');
      const items = Array.from({ length: 64 }, () => item(5));
      const request = async () => ok(await router.request('flow.wrongif', { handle, items })).count;
      const beganMono = performance.now();
      const counts = await Promise.all(Array.from({ length: 12 }, request));
      const seconds = Math.ceil((performance.now() - beganMono) / 1000);
      const sum = counts.reduce((all, count) => all + count, 0);
      expect(sum).toBeGreaterThanOrEqual(100);
      expect(sum).toBeLessThanOrEqual(replicas * 100 * seconds);
    });
  });
});
