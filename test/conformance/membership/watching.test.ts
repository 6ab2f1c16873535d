import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { expectPushedAfter, expectRefused } from '../../support/expectations.ts';
import {
  ALERTS,
  alertsAfter,
  elements,
  groupText,
  listAll,
  membershipsAfter,
  settled,
} from '../../support/raw-memberships.ts';
import type { Item, MembershipMessage } from '../../support/raw-operations.ts';
import { ok } from '../../support/raw-replies.ts';
import { newInstance, type RawRouter, type RawWatch } from '../../support/raw-client.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  describe('section 6: revisions', () => {
    it('mrev counts every membership created or removed, without gaps', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, igmp } = clients;
      expect(await pim.bulk('member.add', elements(7, 10))).toMatchObject({ mrev: 10 });
      expect(await igmp.bulk('member.add', elements(7, 10))).toMatchObject({ mrev: 20 });
      expect(await pim.bulk('member.add', elements(7, 11))).toMatchObject({ mrev: 21 });
      expect(await pim.delete(7, groupText(3))).toMatchObject({ mrev: 22 });
      ok(await pim.release(7));
      await settled(router);
      const events = await membershipsAfter(router, 0);
      expect(events.at(-1)?.mrev).toBe(42);
      let last = 0;
      for (const { first, mrev, items } of events) {
        expect([first, mrev]).toEqual([last + 1, last + items.length]);
        last = mrev;
      }
    });

    it('settled reaches every rev, and all alerts and events up to it are then written', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const listening = await router.register({ componentId: 9, alerts: ALERTS });
      for (let first = 0; first < 1024; first += 256) {
        ok(await clients.pim.bulk('member.add', elements(7, 256, first)));
      }
      const { rev } = ok(await clients.pim.release(7));
      let last = 0;
      await eventually(
        async () => {
          const page = ok(await router.request('members', { limit: 1 }));
          expect(page.settled).toBeLessThanOrEqual(page.rev);
          expect(page.settled).toBeGreaterThanOrEqual(last);
          last = page.settled;
          expect(page.settled).toBeGreaterThanOrEqual(rev);
        },
        { ...WITHIN, everyMs: 1 },
      );
      const alerts = (await alertsAfter(listening)).filter(({ type }) => type === 'PRUNE_ALERT');
      expect(alerts.flatMap(({ items = [] }) => items)).toHaveLength(1024);
      expect((await membershipsAfter(router, 1024)).at(-1)?.mrev).toBe(2048);
    });

    it('a head has mrev, mfirst, settled and schema, and the log of both revisions', async () => {
      const { router, clients, watch } = await enter(stage, 'S2(pim)');
      ok(await clients.pim.bulk('member.add', elements(7, 20)));
      const rev = await router.rev();
      const { log } = ok(await router.request('groups', {}));
      await eventually(() => {
        const counters = { mrev: 20, mfirst: 1, settled: rev, rev };
        expect(watch.heads.at(-1)).toMatchObject({ ...counters, log, schema: 3 });
      }, WITHIN);
    });
  });

  describe('section 6: events', () => {
    it('are published as they are logged, on the subject of their type', async () => {
      const { router, clients, watch } = await enter(stage, 'S3(pim)');
      const { pim, igmp } = clients;
      ok(await igmp.bulk('member.add', elements(7, 5)));
      ok(await pim.delete(7, GROUP).then(() => pim.add(7, GROUP)));
      ok(await pim.delete(7, GROUP));
      ok(await igmp.release(7));
      await settled(router);
      const logged = await membershipsAfter(router, 0);
      await eventually(() => expect(pushed(watch)).toEqual(logged), WITHIN);
      const subjects = watch.raw
        .map(({ subject }) => subject)
        .filter((one) => one.startsWith('membership.'));
      expect(new Set(subjects)).toEqual(new Set(['membership.joined', 'membership.left']));
      const ts = expect.any(Number);
      expect(logged[0]).toEqual({
        ...{ first: 1, mrev: 5, ts, type: 'joined', ...igmp.named, countsFor: pim.session },
        ...{ cause: 'member', items: elements(7, 5).map(([, , group]) => [group, '', 7, '']) },
      });
      expect(logged.map(({ type, cause }) => [type, cause])).toEqual([
        ['joined', 'member'],
        ['joined', 'member'],
        ['left', 'member'],
        ['left', 'release'],
      ]);
    });

    it('requests without effect write none', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.add(7, GROUP));
      ok(await pim.add(7, GROUP));
      await pim.delete(7, groupText(1));
      ok(await pim.change('member.add', { ifIndex: 7, group: GROUP, flags: 2 }));
      ok(
        await pim.bulk('member.add', [
          [7, '', GROUP, ''],
          [8, '', GROUP, ''],
        ]),
      );
      expect(await membershipsAfter(router, 0)).toHaveLength(1);
    });
  });

  describe('section 6: a watcher', () => {
    it('that applies events to a listing has what the next listing says, though some were lost', async () => {
      const { router, clients, watch } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp, igmp } = clients;
      ok(await dvmrp.take(8));
      ok(await igmp.take(8));
      ok(await pim.bulk('member.add', elements(7, 100)));
      const watcher = new MembershipWatcher(router);
      await watcher.list(10, async (page) => {
        ok(await dvmrp.bulk('member.add', elements(8, 20, page * 10)));
        ok(await pim.bulk('member.delete', elements(7, 3, page * 7)));
        if (page === 2) ok(await igmp.bulk('member.add', elements(8, 30)));
      });
      ok(await dvmrp.release(8));
      const next = await router.register({ ...pim.asked, instance: newInstance(), takeover: true });
      ok(await next.add(7, GROUP));
      await settled(router);
      const { mrev } = ok(await router.request('members', { limit: 1 }));
      await eventually(() => expect(watch.heads.at(-1)?.mrev).toBe(mrev), WITHIN);
      // Another manager may publish the event of the session later than this head.
      await expectPushedAfter(0, router, watch);
      // Every other event was not heard.
      const heard = pushed(watch).filter((_, at) => at % 2 === 0);
      for (const event of heard) await watcher.hear(event);
      for (const event of watch.events) watcher.rename(event.session, event.previous);
      await watcher.catchUp(watch.heads.at(-1)?.mrev ?? 0);
      expect(watcher.listed()).toEqual(texts(await listAll(router, 'members')));
    });
  });
});

const RETENTION = 1000;

overReplicas(
  (stage) => {
    describe('section 6: compaction', () => {
      it('keeps the last mrev, refuses an older position, and says the first one in head', async () => {
        const { router, clients, watch } = await enter(stage, 'S2(pim)');
        const { pim } = clients;
        for (let first = 0; first < 5 * RETENTION; first += 250) {
          ok(await pim.bulk('member.add', elements(7, 250, first)));
        }
        const reply = await router.request('member.events', { from: 0 });
        expectRefused(reply, 1003, 'compacted', { first: expect.any(Number) });
        const first = 'first' in reply ? Number(reply.first) : 0;
        expect(first).toBeGreaterThan(1);
        expect(first).toBeLessThanOrEqual(4 * RETENTION + 1);
        const before = await router.request('member.events', { from: first - 2 });
        expectRefused(before, 1003, 'compacted', { first });
        const events = await membershipsAfter(router, first - 1);
        expect([events[0]?.first, events.at(-1)?.mrev]).toEqual([first, 5 * RETENTION]);
        await eventually(() => {
          expect(watch.heads.at(-1)).toMatchObject({ mfirst: first, mrev: 5 * RETENTION });
        }, WITHIN);
      });
    });
  },
  { env: { MGM_EVENT_RETENTION: String(RETENTION) } },
);

/** What was pushed, sorted: replicas publish independently, so arrival has no order between them. */
function pushed(watch: RawWatch): MembershipMessage[] {
  return watch.memberships.toSorted((a, b) => a.first - b.first);
}

function texts(items: readonly Item[]): string[] {
  return items.map((item) => JSON.stringify(item)).toSorted();
}

/** The algorithm of section 6. */
class MembershipWatcher {
  readonly #router: RawRouter;
  /** `[group, source, ifIndex, nextHop]` to the sessions of holder and counted client, by text. */
  readonly #memberships = new Map<string, readonly [holder: number, countsFor: number]>();
  #last = 0;

  constructor(router: RawRouter) {
    this.#router = router;
  }

  /** Lists in small pages; `between` changes something after each. */
  async list(limit: number, between: (page: number) => Promise<void>): Promise<void> {
    let cursor: unknown;
    for (let page = 0; page === 0 || cursor !== undefined; page++) {
      const { items, mrev, ...rest } = ok(await this.#router.request('members', { limit, cursor }));
      if (page === 0) this.#last = mrev;
      for (const [group, source, ifIndex, nextHop, holder, countsFor] of items) {
        const key = JSON.stringify([holder, group, source, ifIndex, nextHop]);
        this.#memberships.set(key, [Number(holder), Number(countsFor)]);
      }
      cursor = rest.cursor;
      if (page < 5) await between(page);
    }
  }

  async hear(event: MembershipMessage): Promise<void> {
    if (event.first > this.#last + 1) await this.catchUp(event.first - 1);
    this.#apply(event);
  }

  async catchUp(mrev: number): Promise<void> {
    if (mrev <= this.#last) return;
    for (const event of await membershipsAfter(this.#router, this.#last)) this.#apply(event);
  }

  rename(session: number | undefined, previous: number | undefined): void {
    if (session === undefined || previous === undefined) return;
    const to = (one: number): number => (one === previous ? session : one);
    for (const [key, [holder, countsFor]] of [...this.#memberships]) {
      this.#memberships.delete(key);
      const [, ...item]: unknown[] = JSON.parse(key);
      const renamed = JSON.stringify([to(holder), ...item]);
      this.#memberships.set(renamed, [to(holder), to(countsFor)]);
    }
  }

  listed(): string[] {
    const items = [...this.#memberships].map(([key, [holder, countsFor]]) => {
      const [, ...item]: unknown[] = JSON.parse(key);
      return [...item, holder, countsFor];
    });
    return texts(items);
  }

  #apply({ type, session, countsFor, mrev, items }: MembershipMessage): void {
    if (mrev <= this.#last) return;
    for (const item of items) {
      const key = JSON.stringify([session, ...item]);
      if (type === 'joined') this.#memberships.set(key, [session, countsFor]);
      else this.#memberships.delete(key);
    }
    this.#last = mrev;
  }
}
