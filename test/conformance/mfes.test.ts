import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import type { Item, Mfe } from '../support/raw-operations.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';

const GROUP = '239.1.2.3';
const SOURCE = '10.1.2.3';
const ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT'];
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  let router: RawRouter;
  let pim: RawSession;
  let dvmrp: RawSession;

  beforeEach(async () => {
    router = stage.router();
    pim = await router.register({ protocolId: Protocols.pim, alerts: ALERTS });
    dvmrp = await router.register({ protocolId: Protocols.dvmrp });
    ok(await pim.take(1));
    ok(await dvmrp.take(2));
    ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 1, '', '10.0.0.2', 103]] }));
  });

  const flow = async (...flows: unknown[][]) => {
    const { handle } = dvmrp;
    return ok(await router.request('flow.new', { handle, flows })).results;
  };
  const one = (source = SOURCE, group: unknown = GROUP) => [group, source, 1, ''];
  const agent = (name: string) => router.register({ protocolId: 7, componentId: ++agents, name });
  let agents = 0;
  const get = (source = SOURCE) => router.request('mfe.get', { group: GROUP, source });
  const join = () => dvmrp.change('member.add', { ifIndex: 2, group: GROUP });

  describe('flow.new', () => {
    it('decides each flow by itself, in order', async () => {
      ok(await join());
      const results = await flow(
        ...[one(), one('192.0.2.1'), one(), one(SOURCE, '224.0.0.5'), one(SOURCE, '')],
        ...[one('224.0.0.1'), one('2001:db8::1', 'ff72::1')],
      );
      expect(results).toMatchObject([
        { state: 'installed', mfe: { ifIndex: 1, session: pim.session, oifs: [[2, '']] } },
        { state: 'negative', mfe: { ifIndex: 0, iifEpoch: '0', session: 0, oifCount: 0 } },
        { state: 'known', mfe: { source: SOURCE } },
        { state: 'local' },
        { state: 'refused', reason: 'bad-request', field: 'group' },
        { state: 'refused', reason: 'bad-request', field: 'source' },
        { state: 'local' },
      ]);
      const [installed, negative] = results;
      expect(installed?.mfe).toMatchObject({
        ...{ group: GROUP, upstream: '10.0.0.2', foreignAlerted: true, timeoutMs: 900_000 },
        route: { network: '10.0.0.0', length: 8, protocolId: 103 },
      });
      expect(negative?.mfe).not.toHaveProperty('route');
      const epoch = ok(await router.owner(1)).epoch;
      expect(installed?.mfe?.iifEpoch).toBe(epoch);
    });

    it('creates one entry, whichever manager is asked', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => flow(one())));
      const found = all.flat().map(({ mfe }) => mfe?.incarnation);
      expect(new Set(found).size).toBe(1);
      expect(all.flat().filter(({ state }) => state === 'known')).toHaveLength(19);
    });

    it('refuses a session that is over', async () => {
      const { handle } = dvmrp;
      ok(await dvmrp.change('deregister', { force: true }));
      expectRefused(await router.request('flow.new', { handle, flows: [one()] }), 87, 'bad-handle');
    });
  });

  describe('mfe.get and mfe.list', () => {
    it('show the entry, its life and its outgoing interfaces as they are now', async () => {
      await flow(one());
      const before = ok(await get());
      expect(before.mfe).toMatchObject({ oifs: [], oifCount: 0 });
      expect(before.mfe.upMs + before.mfe.expiresInMs).toBe(before.mfe.timeoutMs);
      ok(await join());
      expect(ok(await get()).mfe).toMatchObject({ oifs: [[2, '']], oifCount: 1 });
      const page = ok(await router.request('mfe.list', {}));
      expect(page).toMatchObject({ items: [{ source: SOURCE, oifCount: 1 }], frev: 2 });
      expect(page).not.toHaveProperty('cursor');
    });

    it('list all entries in order, page by page or after one that does not exist', async () => {
      const sources = ['10.0.0.2', '10.0.0.10', '10.0.0.9'];
      await flow(...sources.map((source) => one(source)), one('2001:db8::1', 'ff0e::1'));
      const found: unknown[] = [];
      let cursor: unknown;
      do {
        const page = ok(await router.request('mfe.list', { limit: 1, cursor }));
        found.push(...page.items.map(({ source }) => source));
        ({ cursor } = page);
      } while (cursor !== undefined);
      expect(found).toEqual(['10.0.0.2', '10.0.0.9', '10.0.0.10', '2001:db8::1']);
      const after = ok(await router.request('mfe.list', { after: [GROUP, '10.0.0.5'] }));
      expect(after.items.map(({ source }) => source)).toEqual(found.slice(1));
    });

    it('show no entry from the instant the hold of its incoming interface ends', async () => {
      await flow(one());
      ok(await pim.release(1));
      expectRefused(await get(), 1168, 'not-found');
      expect(ok(await router.request('mfe.list', {})).items).toEqual([]);
    });
  });

  describe('messages on mfe', () => {
    it('bring a table to what mfe.list shows, and are numbered without gaps', async () => {
      using watch = router.watch();
      const sources = Array.from({ length: 100 }, (_, at) => `10.1.0.${at + 1}`);
      await flow(...sources.map((source) => one(source)));
      ok(await join());
      ok(await pim.change('rib.set', { routes: [['10.1.0.0', 30, 9, '', '', 103]] }));
      await eventually(async () => {
        const { items, frev } = ok(await router.request('mfe.list', { limit: 1000 }));
        expect(items).toHaveLength(97);
        const pushed = watch.mfes.toSorted((a, b) => a.first - b.first);
        expect(pushed.at(-1)?.last).toBe(frev);
        for (const [at, { first }] of pushed.entries()) {
          expect(first).toBe((pushed[at - 1]?.last ?? 0) + 1);
        }
        const table = tableOf(pushed.flatMap(({ items: changes }) => changes));
        expect(table).toEqual(new Map(items.map((mfe) => [mfe.source, shown(mfe)])));
      }, WITHIN);
    });
  });

  describe('fib', () => {
    it('reads back what was pushed, from any revision on', async () => {
      using watch = router.watch();
      await flow(...Array.from({ length: 10 }, (_, at) => one(`10.1.0.${at + 1}`)));
      ok(await join());
      const all = ok(await router.request('fib', { from: 0 }));
      const { log } = ok(await router.request('mfe.list', {}));
      expect(all).toMatchObject({ head: 20, first: 1, log });
      await eventually(() => {
        // The pushes of two managers have no order.
        const pushed = watch.mfes.toSorted((a, b) => a.first - b.first);
        expect(pushed).toEqual(all.changes);
      }, WITHIN);
      for (let from = 0; from < 20; from++) {
        const { changes } = ok(await router.request('fib', { from, limit: 1 }));
        expect(changes[0]).toMatchObject({
          first: from + 1,
          items: { length: from < 10 ? 10 - from : 20 - from },
        });
        expect(changes).toHaveLength(1);
      }
      const { changes } = ok(await router.request('fib', { from: 20 }));
      expect(changes).toEqual([]);
    });

    it('leads, from the revision of a first page on, to what mfe.list shows', async () => {
      await flow(...Array.from({ length: 10 }, (_, at) => one(`10.1.0.${at + 1}`)));
      const page = ok(await router.request('mfe.list', { limit: 5 }));
      await flow(one('10.0.0.1'));
      ok(await join());
      ok(await pim.change('rib.set', { routes: [['10.1.0.0', 30, 9, '', '', 103]] }));
      const rest = ok(await router.request('mfe.list', { cursor: page.cursor }));
      await eventually(async () => {
        const { items, frev } = ok(await router.request('mfe.list', {}));
        expect(items).toHaveLength(8);
        const { changes, head } = ok(await router.request('fib', { from: page.frev }));
        expect(head).toBe(frev);
        const listed = [...page.items, ...rest.items].map((mfe) => ['set', mfe]);
        const table = tableOf([...listed, ...changes.flatMap((message) => message.items)]);
        expect(table).toEqual(new Map(items.map((mfe) => [mfe.source, shown(mfe)])));
      }, WITHIN);
    });
  });

  describe('what agents report back', () => {
    it('is the lowest frev of all agents, until their sessions end', async () => {
      await flow(...Array.from({ length: 5 }, (_, at) => one(`10.1.0.${at + 1}`)), one());
      expect(ok(await get())).not.toHaveProperty('programmed');
      const agents = [await agent('line card 1'), await agent('line card 2')] as const;
      ok(await router.request('keepalive', { handle: agents[0].handle, frev: 6 }));
      ok(await router.request('keepalive', { handle: agents[1].handle, frev: 4 }));
      ok(await router.request('keepalive', { handle: agents[1].handle }));
      expect(ok(await get()).programmed).toBe(4);
      expect(ok(await router.request('mfe.list', { limit: 1 })).programmed).toBe(4);
      const { log } = ok(await router.request('mfe.list', {}));
      expect(ok(await router.request('agents', {}))).toMatchObject({
        items: [
          { session: agents[0].session, name: 'line card 1', frev: 6, failed: 0 },
          { session: agents[1].session, name: 'line card 2', frev: 4, failed: 0 },
        ],
        ...{ frev: 6, log },
      });
      const page = ok(await router.request('agents', { limit: 1 }));
      const { items } = ok(await router.request('agents', { cursor: page.cursor }));
      expect(items).toMatchObject([{ session: agents[1].session }]);
      ok(await agents[1].change('deregister', {}));
      expect(ok(await get()).programmed).toBe(6);
      ok(await agents[0].change('deregister', {}));
      expect(ok(await get())).not.toHaveProperty('programmed');
      expect(ok(await router.request('agents', {})).items).toEqual([]);
    });

    it('shows the entries that an agent could not program', async () => {
      await flow(one());
      const { incarnation } = ok(await get()).mfe;
      const card = await agent('line card 1');
      const { handle, session } = card;
      ok(await router.request('keepalive', { handle, frev: 1 }));
      const failed = async (number: number, reason: string) => {
        const items = [[GROUP, SOURCE, number, reason]];
        return ok(await router.request('flow.failed', { handle, items })).count;
      };
      expect(await failed(incarnation + 1, 'too early')).toBe(0);
      expect(await failed(incarnation, 'table full')).toBe(1);
      expect(await failed(incarnation, 'table full')).toBe(1);
      expect(ok(await get()).mfe.failed).toEqual([[session, 'table full']]);
      expect(ok(await router.request('mfe.list', {})).items).toMatchObject([
        { failed: [[session, 'table full']] },
      ]);
      expect(ok(await router.request('agents', {})).items).toMatchObject([{ failed: 1 }]);
      expect(await failed(incarnation, '')).toBe(1);
      expect(ok(await get()).mfe).not.toHaveProperty('failed');
      expect(await failed(incarnation, 'again')).toBe(1);
      ok(await card.change('deregister', {}));
      expect(ok(await get()).mfe).not.toHaveProperty('failed');
      expectRefused(
        await router.request('flow.failed', { handle, items: [[GROUP, SOURCE, incarnation, '']] }),
        ...([87, 'bad-handle'] as const),
      );
    });
  });

  describe('alerts about forwarding entries', () => {
    it('tell the owner of the first and of the last foreign outgoing interface', async () => {
      await flow(one());
      const { incarnation } = ok(await get()).mfe;
      ok(await join());
      ok(await dvmrp.change('member.delete', { ifIndex: 2, group: GROUP }));
      const { messages } = ok(await router.request('mailbox', { handle: pim.handle, from: 0 }));
      const about = messages.filter(
        ({ memberUpdate, memberDelete }) => memberUpdate === false || memberDelete === false,
      );
      expect(about).toMatchObject([
        { type: 'PRUNE_ALERT', cause: 'created', items: [[GROUP, SOURCE, 1, '', incarnation]] },
        { type: 'JOIN_ALERT', cause: 'member', frev: 2, items: [[GROUP, SOURCE, incarnation]] },
        { type: 'PRUNE_ALERT', cause: 'member', items: [[GROUP, SOURCE, 2, '', incarnation]] },
      ]);
      const types = messages.map(({ type, memberUpdate }) => `${type} ${memberUpdate ?? ''}`);
      expect(types.slice(1, 3)).toEqual(['JOIN_ALERT true', 'JOIN_ALERT false']);
    });
  });
});

/** The table of an agent that applies changes in order. */
function tableOf(changes: readonly Item[]): Map<unknown, unknown> {
  const table = new Map<unknown, unknown>();
  for (const [kind, mfeOrGroup, source] of changes) {
    if (kind === 'del') table.delete(source);
    else table.set((mfeOrGroup as Mfe).source, shown(mfeOrGroup as Mfe));
  }
  return table;
}

/** An entry without what changes with time. */
function shown({ upMs: _, expiresInMs: __, ...rest }: Mfe): object {
  return rest;
}
