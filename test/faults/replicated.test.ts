import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { noReplication, startReplicatedWorld, type ReplicatedWorld } from './replication.ts';

const WITHIN = { withinMs: 30_000 };

/** The record of an interface as a Redis server stores it. */
async function recordOn(world: ReplicatedWorld, ifIndex: number) {
  const key = `mgm:{${world.router.name}}:if:${ifIndex}:`;
  return { primary: await world.primary.exists(key), replica: await world.replica.exists(key) };
}

function reasonOf(reply: { readonly status: number }): string {
  return 'reason' in reply ? String(reply.reason) : 'done';
}

describe('a change that reached no replica', () => {
  it.concurrent(
    'is refused as indeterminate, also when it is repeated, and is lost with the primary',
    async (context) => {
      context.skip(noReplication() !== undefined, noReplication());
      await using world = await startReplicatedWorld(2);
      const { router, replication } = world;
      const owner = await router.register();
      const rival = await router.register({ protocolId: Protocols.dvmrp, name: 'rival' });
      const before = ok(await owner.take(1));
      using watch = router.watch();
      replication.blackhole('to-client');
      const fields = { ...owner.next(), ifIndex: 2 };
      const ask = async () => reasonOf(await router.request('take', fields));
      const replies = [await ask()];
      expect(replies).toEqual(['indeterminate']);
      // It was executed, on the primary alone.
      expect(await recordOn(world, 2)).toEqual({ primary: 1, replica: 0 });
      // The repeats reach both managers, the one that executed the change and the other one.
      while (replies.filter((reason) => reason === 'unavailable').length < 8)
        replies.push(await ask());
      expect(new Set(replies)).toEqual(new Set(['indeterminate', 'unavailable']));
      // No event or callback is published either, and no other change is started.
      expect(await router.owner(2)).toMatchObject({ reason: 'unavailable' });
      expect(await rival.take(3)).toMatchObject({
        status: 1003,
        reason: 'unavailable',
        retryable: true,
        message: expect.stringContaining('1 replicas'),
      });
      expect(await recordOn(world, 3)).toEqual({ primary: 0, replica: 0 });
      // Both managers have probed again, and another attempt would end the same way.
      await eventually(() => {
        for (const manager of world.managers.running) {
          expect(manager.output()).toContain('have all that the primary has');
        }
      }, WITHIN);
      await world.failOver();

      const granted = await eventually(async () => ok(await rival.take(2)), WITHIN);
      expect(BigInt(granted.epoch)).toBeGreaterThan(BigInt(before.epoch));
      // The managers may recover at different times.
      await eventually(async () => {
        expect(await ask()).toBe('already-owned');
        ok(await router.request('validate', { ifIndex: 1, epoch: before.epoch }));
        const logged = await router.eventsAfter(0);
        expect(logged.map(({ type, ifIndex = 0 }) => `${type} ${ifIndex}`)).toEqual([
          'registered 0',
          'registered 0',
          'taken 1',
          'taken 2',
        ]);
        expect(watch.events.filter(({ ifIndex }) => ifIndex === 2)).toEqual(logged.slice(3));
      }, WITHIN);
    },
  );

  it.concurrent('is confirmed once the replicas have it', async (context) => {
    context.skip(noReplication() !== undefined, noReplication());
    await using world = await startReplicatedWorld(2);
    const { router, replication } = world;
    const owner = await router.register();
    replication.blackhole('to-client');
    const fields = { ...owner.next(), ifIndex: 2 };
    expect(await router.request('take', fields)).toMatchObject({ reason: 'indeterminate' });
    expect(await recordOn(world, 2)).toEqual({ primary: 1, replica: 0 });
    await replication.heal();
    const take = await eventually(async () => ok(await router.request('take', fields)), WITHIN);
    expect(await recordOn(world, 2)).toEqual({ primary: 1, replica: 1 });
    await eventually(async () => {
      expect(ok(await router.owner(2)).epoch).toBe(take.epoch);
      const taken = (await router.eventsAfter(0)).filter(({ type }) => type === 'taken');
      expect(taken).toHaveLength(1);
    }, WITHIN);
  });
});
