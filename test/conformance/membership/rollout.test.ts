import { eventually, notBreakable } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { ALERTS, elements, listAll, settled } from '../../support/raw-memberships.ts';
import { OPS, validRequest } from '../../support/raw-operations.ts';
import { ok } from '../../support/raw-replies.ts';
import { newInstance, pairs, Protocols, type RawRouter } from '../../support/raw-client.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const WITHIN = { withinMs: 30_000 };
const NEWER = '5';

overReplicas((stage) => {
  describe('section 9: the schema of a router', () => {
    it('is 2 until the first membership, 3 with it, and 2 when the last remainder is removed', async () => {
      await using data = await dataOf(stage);
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { pim, igmp } = clients;
      const schema = () => data.schema(router);
      ok(await router.request('member.events', { from: 0 }));
      await pim.delete(7, GROUP);
      ok(await pim.bulk('member.add', [[8, '', GROUP, '']]));
      expect(await schema()).toBe('2');
      ok(await pim.add(7, GROUP));
      expect(await schema()).toBe('3');
      ok(await igmp.add(7, GROUP));
      ok(await pim.delete(7, GROUP));
      expect(await schema()).toBe('3');
      ok(await igmp.delete(7, GROUP));
      expect(await schema()).toBe('2');
      ok(await pim.bulk('member.add', elements(7, 256)));
      ok(await pim.release(7));
      await settled(router);
      expect(await schema()).toBe('2');
    });

    it('is 2 also for a router that has pushed alerts and kept a log', async () => {
      await using data = await dataOf(stage);
      const router = stage.router();
      const client = await router.register({ alerts: ALERTS });
      const other = await router.register({ protocolId: Protocols.dvmrp, alerts: ALERTS });
      ok(await client.takeAll(pairs(60)));
      ok(
        await client.bulk(
          'member.add',
          pairs(60).map(([at]) => [at, '', GROUP, '']),
        ),
      );
      ok(await client.deregister({ force: true }));
      await settled(router);
      expect(await data.schema(router)).toBe('2');
      expect(await other.mailbox()).toMatchObject([
        { type: 'JOIN_ALERT' },
        { type: 'PRUNE_ALERT' },
      ]);
      // Nothing is stored for holds that ended but the logs.
      expect(await data.keys(router)).not.toContainEqual(
        expect.stringMatching(/^(m:|on:|names:|entries|slots|void|voided|free)/),
      );
    });
  });

  describe('section 9: a schema above the own', () => {
    it('every request is refused as unavailable, retryable, and nothing is read or written', async () => {
      await using data = await dataOf(stage);
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.add(7, GROUP));
      await data.setSchema(router, NEWER);
      const before = await data.dump(router);
      for (const op of OPS) {
        const reply = await router.request(op, { ...validRequest(op, pim), deadlineMs: 60_000 });
        expectRefused(reply, 1003, 'unavailable', { retryable: true, retryAfterMs: 100 });
      }
      expect(await data.dump(router)).toEqual(before);
      await data.setSchema(router, '3');
      expect(await listAll(router, 'members')).toHaveLength(1);
      ok(await pim.delete(7, GROUP));
    });

    it('keeps the router from being swept: no lease ends there', async () => {
      await using data = await dataOf(stage);
      const router = stage.router();
      const late = await router.register({ ttlMs: 1000 });
      ok(await late.take(7));
      await data.setSchema(router, NEWER);
      const before = await data.dump(router);
      // The lease of a client of another router, which began later, is over.
      const other = stage.router();
      const witness = await other.register({ ttlMs: 1000 });
      ok(await witness.take(7));
      await eventually(async () => {
        expectRefused(await other.owner(7), 1168, 'not-found');
      }, WITHIN);
      expect(await data.dump(router)).toEqual(before);
    });

    it('is logged with both versions, and reported in $SRV.STATS; other routers are served', async (context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      await using data = await dataOf(stage);
      const { router } = await enter(stage, 'S2(pim)');
      await data.setSchema(router, NEWER);
      await eventually(async () => {
        for (let at = 0; at < 8 * stage.replicas; at++) await router.request('sessions', {});
        const stats = await statsOf(stage);
        expect(stats).toHaveLength(stage.replicas);
        for (const one of stats) expect(JSON.stringify(one)).toMatch(/"trouble":\[[^\]]*schema/);
      }, WITHIN);
      for (const manager of stage.managers.running) {
        expect(manager.output()).toMatch(/schema 5.*reads and writes 2 to 4/s);
      }
      const other = stage.router();
      const client = await other.register({ instance: newInstance() });
      ok(await client.take(7));
      await data.remove(router);
    });
  });

  it('section 9: a client without `alerts` receives no new message', async () => {
    const { router, clients, watch } = await enter(stage, 'S3(pim)');
    const { pim, dvmrp, igmp } = clients;
    ok(await igmp.add(7, GROUP));
    ok(await pim.add(7, GROUP));
    ok(await pim.release(7));
    await settled(router);
    expect(await pim.mailbox()).toEqual([]);
    expect(await dvmrp.mailbox()).toEqual([]);
    const types = (await igmp.mailbox()).map(({ type }) => type);
    expect(types).toEqual(['DISABLE_IGMP', 'ENABLE_IGMP']);
    await eventually(() => expect(watch.callbacksOf(igmp.session)).toHaveLength(2), WITHIN);
    expect(watch.callbacks.size).toBe(1);
  });
});

/** What is stored for a router, whatever the prefix of the keys. */
async function dataOf(stage: Stage) {
  const redis = new Redis(stage.servers.redis.url);
  const keysOf = async ({ name }: RawRouter) => (await redis.keys(`*{${name}}:*`)).toSorted();
  const tail = (key: string) => key.slice(key.indexOf('}:') + 2);
  const metaOf = async (router: RawRouter) => {
    const found = (await keysOf(router)).find((key) => tail(key) === 'meta');
    if (found === undefined) throw new Error('the router has no data');
    return found;
  };
  return {
    keys: async (router: RawRouter) => (await keysOf(router)).map(tail),
    schema: async (router: RawRouter) => await redis.hget(await metaOf(router), 'schema'),
    setSchema: async (router: RawRouter, schema: string) =>
      await redis.hset(await metaOf(router), 'schema', schema),
    dump: async (router: RawRouter) => {
      const keys = await keysOf(router);
      return await Promise.all(keys.map(async (key) => [key, await redis.dump(key)]));
    },
    remove: async (router: RawRouter) => await redis.del(await keysOf(router)),
    [Symbol.asyncDispose]: async () => {
      await redis.quit();
    },
  };
}

/** The data that each manager adds to its statistics. */
async function statsOf({ operator, replicas }: Stage): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  const inbox = `_INBOX.${newInstance()}`;
  const subscription = operator.subscribe(inbox, {
    callback: (_, { data }) => found.push(JSON.parse(Buffer.from(data).toString())),
  });
  operator.publish('$SRV.STATS.mgm-manager', undefined, { reply: inbox });
  await eventually(() => expect(found).toHaveLength(replicas), WITHIN);
  subscription.unsubscribe();
  return found;
}
