import type { Mgm } from '@mgm/client';
import { type RunningServer, startNats, startRedisCluster } from '@mgm/devstack';
import { eventually, startManagers } from '@mgm/test-support';
import { metaKey } from '@mgm/store';
import { routerName, type RouterName } from '@mgm/protocol';
import { expect, inject, it } from 'vitest';
import { smoke } from '../smoke/smoke.ts';
import { clientOf, heldOf, isRising, noTopologies, Takes } from './takes.ts';

const choice = inject('servers');
interface Run {
  readonly mgm: Mgm;
  readonly router: RouterName;
  /** The master of its shard at the start. */
  readonly shard: RunningServer;
  readonly takes: Takes;
}

const ROUTERS = Array.from({ length: 12 }, (_, i) => routerName(`edge-${i}`));

it(
  'a killed master delays its own routers by seconds and others not at all',
  { timeout: 240_000 },
  async (context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    await using redis = await startRedisCluster(choice, { replicas: 1 });
    await using nats = await startNats(choice);
    await using managers = await startManagers(
      1,
      { redis, nats },
      { MGM_DURABILITY: 'replicated' },
    );
    await using ending = new AsyncDisposableStack();
    const runs: Run[] = [];
    for (const router of ROUTERS) {
      const mgm = ending.use(await clientOf(nats.url, router));
      const shard = await redis.masterOf(metaKey('mgm', router));
      runs.push({ mgm, router, shard, takes: await Takes.of(mgm) });
    }
    // Twelve routers cover all three shards.
    expect(new Set(runs.map(({ shard }) => shard)).size).toBe(3);
    const more = (some: readonly Run[]) => Promise.all(some.map(({ takes }) => takes.more(10)));
    await more(runs);

    const [gone] = redis.nodes;
    const others = runs.filter(({ shard }) => shard !== gone);
    await gone?.kill();
    const [manager] = managers.running;
    await eventually(() => expect(manager?.output()).toContain('redis in part lost'), {
      withinMs: 60_000,
      everyMs: 5,
    });
    await more(others);
    // Before that, a master without a disk would restart as the master and empty its replica.
    await eventually(
      async () => {
        for (const { router } of runs) {
          expect(await redis.masterOf(metaKey('mgm', router))).not.toBe(gone);
        }
      },
      { withinMs: 60_000 },
    );
    // It is now a replica of the new master, which needs one to confirm writes.
    await gone?.start();
    await more(runs);
    for (const { mgm, takes } of runs) {
      await takes.end();
      expect(await heldOf(mgm)).toEqual(takes.epochs);
      expect(isRising(takes.epochs)).toBe(true);
    }
    const mgm = ending.use(await clientOf(nats.url, 'later'));
    await smoke(mgm, () => {});
  },
);
