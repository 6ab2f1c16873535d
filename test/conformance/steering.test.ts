import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';

const GROUP = '239.1.2.3';
const SOURCE = '10.1.2.3';
const FORWARD = 2;
const WITHIN = { withinMs: 30_000 };
const EXACT = { group: GROUP, source: SOURCE, flags: FORWARD };
const WILDCARD = { group: GROUP, flags: FORWARD };

overReplicas((stage) => {
  let router: RawRouter;
  let pim: RawSession;
  let dvmrp: RawSession;

  beforeEach(async () => {
    router = stage.router();
    pim = await router.register({
      protocolId: Protocols.pim,
      alerts: ['JOIN_ALERT', 'PRUNE_ALERT'],
    });
    dvmrp = await router.register({ protocolId: Protocols.dvmrp });
    ok(await pim.take(1));
    ok(await dvmrp.take(2));
    ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 1, '', '10.0.0.2', 103]] }));
  });

  const flow = async (source = SOURCE) => {
    const flows = [[GROUP, source, 1, '']];
    return ok(await router.request('flow.new', { handle: dvmrp.handle, flows })).results[0]?.mfe;
  };
  const get = () => router.request('mfe.get', { group: GROUP, source: SOURCE });
  const oifs = async () => ok(await get()).mfe.oifs;
  const alertsOfPim = async () => {
    const { messages } = ok(await router.request('mailbox', { handle: pim.handle, from: 0 }));
    return messages.map(({ type, memberUpdate, memberDelete, cause }) => {
      return `${type} ${memberUpdate ?? memberDelete} ${cause}`;
    });
  };

  describe('FORWARD (5.5)', () => {
    it('overrides the outgoing interfaces, and changes no membership', async () => {
      await flow();
      const on = await dvmrp.change('member.add', { ifIndex: 2, ...EXACT });
      expect(ok(on)).toMatchObject({ changed: true, matched: 1, mrev: 0 });
      expect(await oifs()).toEqual([[2, '']]);
      const again = await dvmrp.change('member.add', { ifIndex: 2, ...EXACT });
      expect(ok(again)).toMatchObject({ changed: false, matched: 1 });
      const off = await dvmrp.change('member.delete', { ifIndex: 2, ...WILDCARD });
      expect(ok(off)).toMatchObject({ changed: true, matched: 1, mrev: 0 });
      expect(await oifs()).toEqual([]);
      expect(ok(await router.request('members', {})).items).toEqual([]);
      expect(await alertsOfPim()).toEqual([
        'PRUNE_ALERT false created',
        'JOIN_ALERT false forward',
        'PRUNE_ALERT false forward',
      ]);
    });

    it('is undone by a repeated JOIN, and by another owner', async () => {
      ok(await dvmrp.change('member.add', { ifIndex: 2, group: GROUP }));
      await flow();
      ok(await dvmrp.change('member.delete', { ifIndex: 2, ...EXACT }));
      expect(await oifs()).toEqual([]);
      const repeated = await dvmrp.change('member.add', { ifIndex: 2, group: GROUP });
      expect(ok(repeated)).toMatchObject({ changed: false });
      expect(await oifs()).toEqual([[2, '']]);
      ok(await dvmrp.change('member.add', { ifIndex: 2, ...EXACT }));
      ok(await dvmrp.release(2));
      expect(await oifs()).toEqual([]);
    });

    it('is refused for an exact (s,g) without entry, and covers none by a wildcard', async () => {
      expectRefused(await dvmrp.change('member.add', { ifIndex: 2, ...EXACT }), 1003, 'no-mfe');
      expectRefused(await dvmrp.change('member.delete', { ifIndex: 2, ...EXACT }), 1003, 'no-mfe');
      const none = { changed: false, matched: 0 };
      expect(ok(await dvmrp.change('member.add', { ifIndex: 2, ...WILDCARD }))).toMatchObject(none);
      await flow();
      const elements = [
        [2, '', GROUP, SOURCE, FORWARD],
        [2, '', GROUP, '10.9.9.9', FORWARD],
      ];
      const failed = [[1, 1003, 'no-mfe']];
      expect(ok(await dvmrp.change('member.add', { entries: elements }))).toMatchObject({
        count: 1,
        failed,
      });
    });

    it('of many entries applies immediately, and every one is pushed', async () => {
      using watch = router.watch();
      const sources = Array.from({ length: 150 }, (_, at) => `10.1.2.${at + 1}`);
      const flows = sources.map((source) => [GROUP, source, 1, '']);
      ok(await router.request('flow.new', { handle: dvmrp.handle, flows }));
      const reply = ok(await dvmrp.change('member.add', { ifIndex: 2, ...WILDCARD }));
      expect(reply).toMatchObject({ changed: true, matched: 150 });
      const { items } = ok(await router.request('mfe.list', { limit: 1000 }));
      expect(items.map((mfe) => mfe.oifs)).toEqual(sources.map(() => [[2, '']]));
      await eventually(() => {
        expect(watch.mfes.flatMap((message) => message.items)).toHaveLength(300);
      }, WITHIN);
    });
  });

  describe('mfe.set (5.7)', () => {
    const set = (session: RawSession, fields: Record<string, unknown>) =>
      session.change('mfe.set', { group: GROUP, source: SOURCE, ...fields });

    it('sets the upstream router and the life of an entry, by its owner only', async () => {
      const incarnation = (await flow())?.incarnation;
      ok(await set(pim, { upstream: '10.0.0.7', timeoutMs: 60_000, incarnation }));
      ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 1, '', '10.0.0.3', 103]] }));
      expect(ok(await get()).mfe).toMatchObject({ upstream: '10.0.0.7', timeoutMs: 60_000 });
      ok(await set(pim, { timeoutMs: 0 }));
      expect(ok(await get()).mfe).toMatchObject({ timeoutMs: 60_000 });
      const refused = await set(dvmrp, { upstream: '' });
      expectRefused(refused, 87, 'not-owner', { holder: { session: pim.session } });
      const { frev } = ok(await set(pim, { timeoutMs: 1_000, incarnation }));
      expect(frev).toBeGreaterThan(1);
      await eventually(async () => expectRefused(await get(), 1168, 'not-found'), WITHIN);
    });

    it('refuses another incarnation and epoch, and gives a repeat the stored reply', async () => {
      expectRefused(await set(pim, { upstream: '' }), 1168, 'not-found');
      const incarnation = (await flow())?.incarnation ?? 0;
      expectRefused(await set(pim, { incarnation: incarnation + 1 }), 1168, 'not-found');
      const { epoch } = ok(await router.owner(1));
      const outdated = await set(pim, { incarnation, epoch: '1' });
      expectRefused(outdated, 87, 'not-owner', { current: epoch });
      const untimed = await set(pim, { timeoutMs: 5_000 });
      expectRefused(untimed, 87, 'bad-request', { field: 'incarnation' });
      const request = { handle: pim.handle, seq: 100, ack: 100, group: GROUP, source: SOURCE };
      const first = await router.request('mfe.set', { ...request, upstream: '10.0.0.5' });
      ok(await router.request('mfe.set', { ...request, seq: 101, upstream: '10.0.0.6' }));
      expect(await router.request('mfe.set', { ...request, upstream: '10.0.0.5' })).toEqual(first);
    });
  });
});
