import { eventually } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { Chance } from '../support/chance.ts';
import { ForwardingWorld } from '../support/forwarding-world.ts';
import { RawAgent } from '../support/raw-agent.ts';
import { ok } from '../support/raw-replies.ts';
import { startWorld, type World } from './own-servers.ts';

const STEPS = 60;
/** Enough reads that each of two managers serves one: only a manager that knows a router notices a loss. */
const READS = 32;
const WITHIN = { withinMs: 60_000 };
const { FC_SEED } = process.env;
const SEED = FC_SEED === undefined ? Date.now() % 1_000_000 : Number(FC_SEED);

interface Scene extends AsyncDisposable {
  readonly world: World;
  readonly forwarding: ForwardingWorld;
  readonly redis: Redis;
  readonly chance: Chance;
  /** It is attached. */
  readonly agent: RawAgent;
}

/** Two managers, a router with forwarding entries, and an agent that has them. */
async function openScene(): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(await startWorld({ managers: 2 }));
  const redis = opened.adopt(new Redis(world.servers.redis.url), (one) => one.disconnect());
  const chance = new Chance(SEED);
  const forwarding = opened.use(await ForwardingWorld.open(world.router, chance));
  const agent = opened.adopt(new RawAgent(world.router), (one) => one.detach());
  await agent.attach();
  await forwarding.play(STEPS);
  await forwarding.calm([agent]);
  const owned = opened.move();
  const dispose = (): Promise<void> => owned.disposeAsync();
  return { world, forwarding, redis, chance, agent, [Symbol.asyncDispose]: dispose };
}

const logOf = async ({ router }: World): Promise<string> =>
  ok(await router.request('fib', { from: 0, limit: 1 })).log;

/** Waits until the managers have begun another log than the one before, which the agent may follow already. */
async function otherLog({ world }: Scene, before: string): Promise<void> {
  await eventually(async () => expect(await logOf(world)).not.toBe(before), WITHIN);
}

async function everyManagerKnows({ router }: World): Promise<void> {
  for (let at = 0; at < READS; at++) await router.request('fib', { from: 0, limit: 1 });
}

describe(`an agent (W5), seed ${SEED} (FC_SEED repeats it)`, { timeout: 240_000 }, () => {
  it('has the entries after all managers were killed and others started', async () => {
    await using scene = await openScene();
    const { world, forwarding, agent } = scene;
    const restarted = new RawAgent(world.router, { limit: 1 });
    await restarted.attach();
    await restarted.detach();
    await world.managers.killAll();
    // It attaches while no manager answers.
    const attached = restarted.attach();
    await world.managers.add(2);
    await forwarding.play(STEPS);
    await attached;
    await forwarding.calm([agent, restarted]);
    expect(restarted.counts.walks).toBe(1);
    await restarted.detach();
  });

  it('replaces its table when the store was emptied, and remembers epochs', async () => {
    await using scene = await openScene();
    const { world, forwarding, agent, redis } = scene;
    await everyManagerKnows(world);
    const log = await logOf(world);
    await redis.flushall();
    await otherLog(scene, log);
    await forwarding.beginAnew();
    expect(await forwarding.calm([agent])).toBe(0);
    await forwarding.play(2 * STEPS);
    await forwarding.calm([agent]);
    expect(agent.counts).toMatchObject({ walks: 2, refusedEpochs: 0 });
  });

  it('replaces its table when the store has an older copy of its data', async () => {
    await using scene = await openScene();
    const { world, forwarding, agent, redis } = scene;
    const keys = await redis.keys('*');
    const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    await forwarding.play(STEPS);
    await forwarding.calm([agent]);
    await everyManagerKnows(world);
    const log = await logOf(world);
    const restore = redis.multi().flushall();
    for (const [at, key] of keys.entries()) {
      const dump = dumps[at];
      if (dump) restore.restore(key, 0, dump);
    }
    await restore.exec();
    await otherLog(scene, log);
    await forwarding.beginAnew();
    await forwarding.calm([agent]);
    await forwarding.play(2 * STEPS);
    await forwarding.calm([agent]);
    expect(agent.counts).toMatchObject({ walks: 2, refusedEpochs: 0 });
  });

  it('walks all entries when the log behind it was compacted', async () => {
    await using scene = await openScene();
    const { world, forwarding, agent, redis } = scene;
    await agent.detach();
    await forwarding.play(STEPS);
    await forwarding.calm([]);
    expect(await redis.xtrim(`mgm:{${world.router.name}}:flog`, 'MAXLEN', 0)).toBeGreaterThan(0);
    const attached = agent.attach();
    await forwarding.play(STEPS);
    await attached;
    await forwarding.calm([agent]);
    expect(agent.counts.walks).toBe(2);
  });
});
