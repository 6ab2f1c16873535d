import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectDeadHandle, expectRefused } from '../support/expectations.ts';
import { ok, type Reply } from '../support/raw-replies.ts';
import { pairs, Protocols, type RawRouter } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';

const TTL_MS = 1000;
/** For sessions that live on: a busy machine may delay a renewal by more than a second. */
const KEPT_TTL_MS = 3000;
/** Leases and grace times of one or two seconds, and slack for a busy machine. */
const WITHIN = { withinMs: 30_000, everyMs: 50 };

overReplicas((stage) => {
  describe('section 7: without grace', () => {
    it.concurrent('an expired lease frees every interface, and not before it expires', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS });
      ok(await client.takeAll(pairs(3)));
      await gone(router, 1);
      for (const ifIndex of [2, 3]) expectRefused(await router.owner(ifIndex), 1168, 'not-found');
      const [registered] = await router.eventsAfter(0);
      const expired = await eventNamed(router, 'expired');
      expect(expired).toMatchObject(client.named);
      expect(expired.ts - (registered?.ts ?? 0)).toBeGreaterThanOrEqual(TTL_MS);
    });

    it.concurrent(
      'an interface of an expired session can be taken immediately, swept or not',
      async () => {
        const router = stage.router();
        const late = await router.register({ protocolId: Protocols.pim, ttlMs: TTL_MS });
        const next = await router.register({ protocolId: Protocols.dvmrp });
        ok(await late.take(7));
        await gone(router, 7);
        ok(await next.take(7));
        expect(ok(await router.owner(7))).toMatchObject(next.named);
        const types = (await router.eventsAfter(0))
          .filter(({ ifIndex, type }) => ifIndex === 7 || type === 'expired')
          .map(({ type, session }) => [type, session]);
        expect(types).toEqual([
          ['taken', late.session],
          ['expired', late.session],
          ['released', late.session],
          ['taken', next.session],
        ]);
      },
    );

    it.concurrent(
      'a take that comes every few milliseconds gets it once, after the lease',
      async () => {
        const router = stage.router();
        const late = await router.register({ protocolId: Protocols.pim, ttlMs: TTL_MS });
        const next = await router.register({ protocolId: Protocols.dvmrp });
        const held = ok(await late.take(7));
        const taken = await eventually(async () => ok(await next.take(7)), {
          ...WITHIN,
          everyMs: 5,
        });
        expect(BigInt(taken.epoch)).toBeGreaterThan(BigInt(held.epoch));
        const [registered] = await router.eventsAfter(0);
        const events = await router.eventsAfter(taken.rev - 1);
        expect(events[0]).toMatchObject({ type: 'taken', ...next.named });
        expect((events[0]?.ts ?? 0) - (registered?.ts ?? 0)).toBeGreaterThanOrEqual(TTL_MS);
      },
    );

    it.concurrent(
      'the handle is refused as expired, and takes, releases and renews nothing',
      async () => {
        const router = stage.router();
        const client = await router.register({ ttlMs: TTL_MS });
        ok(await client.take(7));
        await gone(router, 7);
        expectDeadHandle(await client.keepalive());
        expectDeadHandle(await client.take(8));
        expectDeadHandle(await client.release(7));
        expectRefused(await router.owner(8), 1168, 'not-found');
        expect(ok(await router.request('sessions', {})).items).toEqual([]);
      },
    );

    it.concurrent(
      'IGMP on the interface gets the callbacks of a release, cause expire',
      async () => {
        const router = stage.router();
        const igmp = await router.register({ protocolId: Protocols.igmp });
        const client = await router.register({ ttlMs: TTL_MS });
        ok(await igmp.take(7));
        ok(await client.take(7));
        const fields = { ifIndex: 7, nextHop: '', cause: 'expire' };
        await eventually(async () => {
          expect(await igmp.mailbox(2)).toMatchObject([
            { seq: 3, type: 'DISABLE_IGMP', ...fields },
            { seq: 4, type: 'ENABLE_IGMP', ...fields },
          ]);
        }, WITHIN);
        expect(ok(await router.owner(7))).toMatchObject(igmp.named);
      },
    );

    it.concurrent('the session gets OWNERSHIP_LOST for each interface, cause expire', async () => {
      const router = stage.router();
      using watch = router.watch();
      const client = await router.register({ ttlMs: TTL_MS });
      const { epoch } = ok(await client.take(7));
      await eventually(() => {
        expect(watch.callbacksOf(client.session)).toMatchObject([
          { seq: 1, type: 'OWNERSHIP_LOST', ifIndex: 7, nextHop: '', epoch, cause: 'expire' },
        ]);
      }, WITHIN);
    });

    it.concurrent('the pair registers again, without any interface', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS });
      ok(await client.take(7));
      await gone(router, 7);
      const next = await router.register();
      expect(next.registered.resumed).toBe(false);
      expect(next.session).not.toBe(client.session);
      expectDeadHandle(await client.keepalive());
    });

    it.concurrent(
      'a session of a thousand interfaces ends in full, one released each',
      async () => {
        const router = stage.router();
        const client = await router.register({ ttlMs: TTL_MS });
        ok(await client.takeAll(pairs(1000)));
        await eventually(async () => {
          const events = await router.eventsAfter(1001);
          expect(events[0]).toMatchObject({ type: 'expired' });
          const released = events.filter(
            ({ type, cause }) => type === 'released' && cause === 'expire',
          );
          expect(new Set(released.map(({ ifIndex }) => ifIndex)).size).toBe(1000);
          expect(events).toHaveLength(1001);
        }, WITHIN);
        expect(ok(await router.request('interfaces', {})).items).toEqual([]);
      },
    );
  });

  describe('section 7: renewing', () => {
    it.concurrent('keepalives extend it', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: KEPT_TTL_MS });
      ok(await client.take(7));
      await keepFor(1.5 * KEPT_TTL_MS, async () => {
        expect(await client.keepalive()).toMatchObject({ status: 0, ttlMs: KEPT_TTL_MS });
      });
      expect(ok(await router.owner(7))).toMatchObject(client.named);
      expect((await router.eventsAfter(0)).map(({ type }) => type)).toEqual([
        'registered',
        'taken',
      ]);
    });

    it.concurrent('registering again as the same instance extends it', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: KEPT_TTL_MS });
      ok(await client.take(7));
      await keepFor(1.5 * KEPT_TTL_MS, async () => {
        expect(ok(await router.request('register', client.asked)).handle).toBe(client.handle);
      });
      expect(ok(await router.owner(7))).toMatchObject(client.named);
    });

    it.concurrent('takes and releases do not extend it', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS });
      await eventually(async () => {
        await client.take(7);
        expectDeadHandle(await client.release(7));
      }, WITHIN);
      expect(await eventNamed(router, 'expired')).toMatchObject(client.named);
    });
  });

  describe('section 7: grace', () => {
    it.concurrent('a stale session is still the owner, and no other client may take', async () => {
      const router = stage.router();
      const late = await router.register({ ttlMs: TTL_MS, graceMs: 60_000 });
      const other = await router.register({ protocolId: Protocols.dvmrp });
      const { epoch } = ok(await late.take(7));
      await stale(router, 7);
      expect(ok(await router.owner(7))).toMatchObject({ ...late.named, epoch, stale: true });
      const holder = { ...late.named, stale: true };
      expectRefused(await other.take(7), 183, 'already-owned', { holder });
      ok(await router.request('validate', { ifIndex: 7, epoch }));
      const { items } = ok(await router.request('sessions', {}));
      expect(items.find(({ session }) => session === late.session)).toMatchObject({
        state: 'stale',
      });
      expect(await eventNamed(router, 'stale')).toMatchObject(late.named);
    });

    it.concurrent('the handle of a stale session is refused as expired', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS, graceMs: 60_000 });
      ok(await client.take(7));
      await stale(router, 7);
      expectRefused(await client.keepalive(), 87, 'session-expired');
      expectRefused(await client.take(8), 87, 'session-expired');
      expectRefused(await client.release(7), 87, 'session-expired');
      expectRefused(await client.deregister({ force: true }), 87, 'session-expired');
      expect(ok(await router.owner(7)).stale).toBe(true);
    });

    it.concurrent('after the grace time every interface is released, cause expire', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS, graceMs: 1000 });
      ok(await client.take(7));
      await gone(router, 7);
      const staleEvent = await eventNamed(router, 'stale');
      const expired = await eventNamed(router, 'expired');
      const released = await eventNamed(router, 'released');
      expect(expired.rev).toBeGreaterThan(staleEvent.rev);
      expect(released).toMatchObject({ ...client.named, ifIndex: 7, cause: 'expire' });
      const [registered] = await router.eventsAfter(0);
      expect(expired.ts - (registered?.ts ?? 0)).toBeGreaterThanOrEqual(TTL_MS + 1000);
      expectDeadHandle(await client.keepalive());
    });

    it.concurrent('the same instance also resumes as a new session', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS, graceMs: 60_000 });
      const { epoch } = ok(await client.take(7));
      await stale(router, 7);
      const next = ok(await router.request('register', client.asked));
      expect(next).toMatchObject({ resumed: true, owned: 1 });
      expect(next.session).not.toBe(client.session);
      expect(next.handle).not.toBe(client.handle);
      expect(BigInt(next.epoch ?? 0)).toBeGreaterThan(BigInt(epoch));
      expectDeadHandle(await client.keepalive());
    });

    it.concurrent('a session without interfaces also has its grace time', async () => {
      const router = stage.router();
      const client = await router.register({ ttlMs: TTL_MS, graceMs: 60_000 });
      expect(await eventNamed(router, 'stale')).toMatchObject(client.named);
      const next = await router.register();
      expect(next.registered).toMatchObject({ resumed: true, owned: 0 });
    });
  });

  it('time during which no manager was serving does not count against a lease', async () => {
    const outageMs = KEPT_TTL_MS;
    // The outage is longer than one lease and as long as the other.
    const leases = [2000, KEPT_TTL_MS];
    const clients = await Promise.all(leases.map((ttlMs) => stage.router().register({ ttlMs })));
    for (const client of clients) ok(await client.take(7));
    const replicas = stage.replicas;
    await stage.managers.killAll();
    await passed(outageMs);
    let areServing = false;
    const starting = stage.managers.add(replicas).finally(() => (areServing = true));
    // The lease runs again from the first manager on. No request waits for the one before, which may have reached a manager
    // that has only just subscribed and is slow, or none.
    const renewals: Promise<Reply<'keepalive'> | undefined>[] = [];
    while (!areServing) {
      for (const client of clients) renewals.push(client.keepalive().catch(() => undefined));
      await passed(200);
    }
    await starting;
    for (const client of clients) {
      expect(ok(await client.router.owner(7))).toMatchObject(client.named);
      ok(await client.keepalive());
      ok(await client.release(7));
    }
    // Last, since a renewal that no manager received may end by its time limit only.
    for (const reply of await Promise.all(renewals)) if (reply) ok(reply);
  });
});

async function gone(router: RawRouter, ifIndex: number): Promise<void> {
  await eventually(
    async () => {
      expectRefused(await router.owner(ifIndex), 1168, 'not-found');
    },
    { ...WITHIN, everyMs: 5 },
  );
}

async function stale(router: RawRouter, ifIndex: number): Promise<void> {
  await eventually(async () => expect(ok(await router.owner(ifIndex)).stale).toBe(true), WITHIN);
}

/** Waits for the first event of this type in the log. */
function eventNamed(router: RawRouter, type: string) {
  return eventually(async () => {
    const found = (await router.eventsAfter(0)).find((event) => event.type === type);
    if (!found) throw new Error(`no ${type} yet`);
    return found;
  }, WITHIN);
}

/** Repeats an action five times per second until `forMs` is over; any failure ends it. */
async function keepFor(durationMs: number, act: () => Promise<void>): Promise<void> {
  const endMono = performance.now() + durationMs;
  await eventually(
    async () => {
      const failure = await act().then(noFailure, asFailure);
      if (failure) return failure;
      if (performance.now() < endMono) throw new Error('time is not over');
      return undefined;
    },
    { withinMs: durationMs + 30_000, everyMs: TTL_MS / 5 },
  ).then((failure) => expect(failure).toBeUndefined());
}

const noFailure = (): undefined => undefined;
const asFailure = (cause: unknown): Error => new Error('failed on the way', { cause });

/** Waits, in tests that are about elapsed time itself. */
async function passed(durationMs: number): Promise<void> {
  const endMono = performance.now() + durationMs;
  await eventually(() => expect(performance.now()).toBeGreaterThan(endMono), {
    withinMs: durationMs + 30_000,
  });
}
