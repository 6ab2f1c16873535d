import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import type { EventMessage, InterfaceItem, SessionItem } from '../support/raw-operations.ts';
import { ok } from '../support/raw-replies.ts';
import { pairs, Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import type { Fields } from '../support/raw-codec.ts';
import { enter, type Scene } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

const INTERFACES = 2500;
const SESSIONS = 25;

overReplicas((stage) => {
  describe('interfaces', () => {
    let router: RawRouter;
    let pim: RawSession;
    let dvmrp: RawSession;

    beforeAll(async () => {
      router = stage.router();
      pim = await router.register({ protocolId: Protocols.pim, name: 'pim-1' });
      dvmrp = await router.register({ protocolId: Protocols.dvmrp, name: 'dvmrp-1' });
      ok(await pim.takeAll(pairs(1024)));
      ok(await pim.takeAll(pairs(976, 1025)));
      ok(await dvmrp.takeAll(pairs(500, 2001)));
    });

    it.each([100, 1000, 7])(
      'lists 2500 interfaces, each once, in pages of at most %i',
      async (limit) => {
        const pages = await allInterfaces(router, { limit });
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
        const found = pages.flat().map(({ ifIndex }) => ifIndex);
        expect(found.toSorted((a, b) => a - b)).toEqual(
          pairs(INTERFACES).map(([ifIndex]) => ifIndex),
        );
      },
    );

    it('lists all of them without a limit, in pages of at most 1000', async () => {
      const pages = await allInterfaces(router, {});
      for (const page of pages) expect(page.length).toBeLessThanOrEqual(1000);
      expect(new Set(pages.flat().map(({ ifIndex }) => ifIndex)).size).toBe(INTERFACES);
    });

    it('has the fields of an `owner` reply for each', async () => {
      const [[item] = []] = await allInterfaces(router, { limit: 100 });
      const { status, rev, ...owner } = ok(await router.owner(item?.ifIndex ?? 0));
      expect(item).toEqual({ ifIndex: item?.ifIndex, nextHop: '', ...owner });
    });

    it('has rev and log in every page', async () => {
      const page = ok(await router.request('interfaces', { limit: 10 }));
      expect(page).toMatchObject({ rev: await router.rev(), log: expect.any(String) });
    });

    it('filters by protocol', async () => {
      const found = (
        await allInterfaces(router, { protocolId: Protocols.dvmrp, limit: 100 })
      ).flat();
      expect(new Set(found.map(({ ifIndex }) => ifIndex)).size).toBe(500);
      expect(found).toHaveLength(500);
      for (const item of found) expect(item).toMatchObject(dvmrp.named);
      const none = await allInterfaces(router, { protocolId: 4711, limit: 100 });
      expect(none.flat()).toEqual([]);
    });

    it('filters by session', async () => {
      const found = (await allInterfaces(router, { session: pim.session, limit: 100 })).flat();
      expect(found).toHaveLength(2000);
      for (const item of found) expect(item).toMatchObject(pim.named);
      const none = await allInterfaces(router, { session: dvmrp.session + 1000, limit: 100 });
      expect(none.flat()).toEqual([]);
    });

    it('filters by both', async () => {
      const { session } = dvmrp;
      const both = (protocolId: number) =>
        allInterfaces(router, { session, protocolId, limit: 100 });
      expect((await both(Protocols.dvmrp)).flat()).toHaveLength(500);
      expect((await both(Protocols.pim)).flat()).toEqual([]);
    });

    it('never returns more than the limit, with or without a filter', async () => {
      for (const limit of [1, 2, 99, 499, 500, 501]) {
        for (const filter of [{}, { session: dvmrp.session }, { protocolId: Protocols.pim }]) {
          const { items } = ok(await router.request('interfaces', { limit, ...filter }));
          expect(items.length).toBeLessThanOrEqual(limit);
        }
      }
    });

    it('shows IGMP and the owner of an interface in one item', async () => {
      const scene = await enter(stage, 'S3(pim)');
      const { items } = ok(await scene.router.request('interfaces', {}));
      expect(items).toMatchObject([
        { ifIndex: 7, nextHop: '', ...scene.clients.pim.named, igmp: scene.clients.igmp.named },
      ]);
    });

    it.each(['before', 'after'])(
      'shows each shared interface once, IGMP registered %s',
      async (when) => {
        const shared = stage.router();
        const protocols = [Protocols.igmp, Protocols.pim, Protocols.dvmrp];
        const clients: RawSession[] = [];
        for (const protocolId of when === 'before' ? protocols : protocols.toReversed()) {
          clients.push(await shared.register({ protocolId }));
        }
        for (const client of clients) {
          const { protocolId } = client.named;
          if (protocolId !== Protocols.dvmrp) ok(await client.takeAll(pairs(200)));
          if (protocolId !== Protocols.pim) ok(await client.takeAll(pairs(200, 201)));
        }
        for (const limit of [7, 100, 1000]) {
          const found = (await allInterfaces(shared, { limit })).flat();
          expect(found.map(({ ifIndex }) => ifIndex).toSorted((a, b) => a - b)).toEqual(
            pairs(400).map(([ifIndex]) => ifIndex),
          );
          for (const item of found) expect(item).toHaveProperty('igmp');
        }
      },
    );

    it('gives a watcher the present state, with the events after its first page', async () => {
      const { router: changing, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(300)));
      ok(await clients.dvmrp.takeAll(pairs(300, 301)));
      const owners = new Map<number, Holding>();
      let rev: number | undefined;
      let cursor: unknown;
      for (let at = 1; rev === undefined || cursor !== undefined; at++) {
        const page = ok(await changing.request('interfaces', { limit: 20, cursor }));
        rev ??= page.rev;
        cursor = page.cursor;
        for (const { ifIndex, session, epoch } of page.items)
          owners.set(ifIndex, { session, epoch });
        await changeHands(clients, at);
      }
      const next = await changing.register({ protocolId: Protocols.dvmrp, takeover: true });
      expect(next.registered.resumed).toBe(true);
      for (const event of await changing.eventsAfter(rev)) applyEvent(owners, event);
      const now = (await allInterfaces(changing, { limit: 1000 })).flat();
      const expected = now.map(
        ({ ifIndex, session, epoch }) => [ifIndex, { session, epoch }] as const,
      );
      expect(owners).toEqual(new Map(expected));
    });

    it('logs changes made while the pages were read at a rev above that of the first page', async () => {
      const scene = await enter(stage);
      ok(await scene.clients.pim.takeAll(pairs(50)));
      const first = ok(await scene.router.request('interfaces', { limit: 10 }));
      ok(await scene.clients.pim.releaseAll(pairs(50)));
      const events = await scene.router.eventsAfter(first.rev);
      expect(events.map(({ ifIndex }) => ifIndex)).toEqual(pairs(50).map(([ifIndex]) => ifIndex));
    });

    it.each([0, 1001])('refuses a limit of %i', async (limit) => {
      const reply = await router.request('interfaces', { limit });
      expectRefused(reply, 87, 'bad-request', { field: 'limit' });
    });
  });

  describe('sessions', () => {
    let router: RawRouter;
    const clients: RawSession[] = [];

    beforeAll(async () => {
      router = stage.router();
      for (let componentId = 1; componentId <= SESSIONS; componentId++) {
        clients.push(await router.register({ componentId, name: `worker-${componentId}` }));
      }
      ok((await clients[3]?.takeAll(pairs(12))) ?? { status: 87 as const });
    });

    it.each([1, 10, 25, 1000])('lists each session once, in pages of at most %i', async (limit) => {
      const pages = await allSessions(router, { limit });
      for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
      const found = pages.flat().map(({ session }) => session);
      const all = clients.slice(-SESSIONS).map(({ session }) => session);
      expect(found.toSorted((a, b) => a - b)).toEqual(all.toSorted((a, b) => a - b));
    });

    it('has ids, name, state, remaining lease and number of interfaces of each', async () => {
      const found = (await allSessions(router, {})).flat();
      const busy = found.find(({ componentId }) => componentId === 4);
      expect(busy).toMatchObject({ name: 'worker-4', state: 'live', interfaces: 12 });
      expect(busy?.expiresInMs).toBeGreaterThan(0);
      expect(busy?.expiresInMs).toBeLessThanOrEqual(300_000);
      const idle = found.find(({ componentId }) => componentId === 5);
      expect(idle).toMatchObject({ ...clients.at(-21)?.named, state: 'live', interfaces: 0 });
    });

    it('counts the interfaces of a session after each take and release', async () => {
      const scene = await enter(stage, 'S3(pim)');
      const count = async (role: 'pim' | 'igmp'): Promise<number | undefined> => {
        const { items } = ok(await scene.router.request('sessions', {}));
        return items.find(({ session }) => session === scene.clients[role].session)?.interfaces;
      };
      expect([await count('pim'), await count('igmp')]).toEqual([1, 1]);
      ok(await scene.clients.pim.release(7));
      expect([await count('pim'), await count('igmp')]).toEqual([0, 1]);
    });

    it('does not list a session that deregistered', async () => {
      const scene = await enter(stage);
      ok(await scene.clients.pim.deregister());
      const { items } = ok(await scene.router.request('sessions', {}));
      const left = items.map(({ session }) => session).toSorted((a, b) => a - b);
      const { dvmrp, igmp } = scene.clients;
      expect(left).toEqual([dvmrp.session, igmp.session].toSorted((a, b) => a - b));
    });
  });
});

interface Holding {
  readonly session: number | undefined;
  readonly epoch: string | undefined;
}

/** After each page, moves a few interfaces from both ends of the listing to the other client. */
async function changeHands(clients: Scene['clients'], at: number): Promise<void> {
  const { pim, dvmrp, igmp } = clients;
  for (const ifIndex of [at, 301 - at]) {
    ok(await pim.release(ifIndex));
    ok(await dvmrp.take(ifIndex));
    ok(await igmp.take(ifIndex));
  }
  ok(await dvmrp.release(600 - at));
  ok(await pim.take(600 - at));
  ok(await pim.take(1000 + at));
}

/** Applies an event as a watcher of owners does; IGMP is ignored. */
function applyEvent(owners: Map<number, Holding>, event: EventMessage): void {
  const { type, ifIndex = 0, session, epoch, previous } = event;
  if (type === 'taken') owners.set(ifIndex, { session, epoch });
  if (type === 'released') owners.delete(ifIndex);
  if (type !== 'resumed') return;
  for (const [key, owner] of owners) {
    if (owner.session === previous) owners.set(key, { session, epoch });
  }
}

/** Reads a listing to its end. More pages than items mean that it has no end. */
async function allInterfaces(
  router: RawRouter,
  fields: Fields,
): Promise<(readonly InterfaceItem[])[]> {
  const pages: (readonly InterfaceItem[])[] = [];
  for (let cursor: unknown; pages.length <= INTERFACES;) {
    const page = ok(await router.request('interfaces', { ...fields, cursor }));
    pages.push(page.items);
    if (page.cursor === undefined) return pages;
    cursor = page.cursor;
  }
  throw new Error('the listing does not end');
}

async function allSessions(router: RawRouter, fields: Fields): Promise<(readonly SessionItem[])[]> {
  const pages: (readonly SessionItem[])[] = [];
  for (let cursor: unknown; pages.length <= 10 * SESSIONS;) {
    const page = ok(await router.request('sessions', { ...fields, cursor }));
    pages.push(page.items);
    if (page.cursor === undefined) return pages;
    cursor = page.cursor;
  }
  throw new Error('the listing does not end');
}
