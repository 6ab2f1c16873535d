import { startNats, startRedisSentinel } from '@mgm/devstack';
import { eventually, startManagers } from '@mgm/test-support';
import { expect, inject, it } from 'vitest';
import { smoke } from '../smoke/smoke.ts';
import { clientOf, heldOf, isRising, noTopologies, Takes } from './takes.ts';

const choice = inject('servers');

it('a killed primary loses no confirmed take', { timeout: 240_000 }, async (context) => {
  context.skip(noTopologies() !== undefined, noTopologies());
  await using redis = await startRedisSentinel(choice, { password: 'p@ss' });
  await using nats = await startNats(choice);
  await using managers = await startManagers(1, { redis, nats }, { MGM_DURABILITY: 'replicated' });
  await using mgm = await clientOf(nats.url, 'watched');
  await smoke(mgm, () => {});

  const takes = await Takes.of(mgm);
  await takes.more(50);
  await (await redis.primary()).kill();
  await takes.more(50);
  await takes.end();
  // Each confirmed take is held under the epoch of its reply: none was lost and none executed twice.
  expect(await heldOf(mgm)).toEqual(takes.epochs);
  expect(isRising(takes.epochs)).toBe(true);
  const [manager] = managers.running;
  expect(manager?.output()).toContain('"msg":"redis lost"');
  await eventually(() => expect(manager?.output()).toContain('"msg":"redis back"'), {
    withinMs: 30_000,
  });
  expect(manager?.output()).not.toContain('p@ss');
  expect(manager?.output()).not.toContain('p%40ss');
});
