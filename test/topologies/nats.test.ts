import { startNatsCluster, startRedis } from '@mgm/devstack';
import { expect, inject, it } from 'vitest';
import { startManagers } from '@mgm/test-support';
import { clientOf, heldOf, isRising, noTopologies, Takes } from './takes.ts';

const choice = inject('servers');

it(
  'a killed NATS server of three costs no request and no ownership',
  { timeout: 240_000 },
  async (context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    await using nats = await startNatsCluster(choice);
    await using redis = await startRedis(choice);
    await using _managers = await startManagers(2, { redis, nats });
    await using mgm = await clientOf(nats.url, 'clustered');
    const takes = await Takes.of(mgm);
    // One after the other, so that every connection has to move at least once.
    for (const node of nats.nodes) {
      await takes.more(50);
      await node.kill();
      await takes.more(50);
      await node.start();
    }
    await takes.end();
    expect(await heldOf(mgm)).toEqual(takes.epochs);
    expect(isRising(takes.epochs)).toBe(true);
  },
);
