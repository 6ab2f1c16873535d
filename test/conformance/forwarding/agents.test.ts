import { describe, expect, it } from 'vitest';
import { Chance } from '../../support/chance.ts';
import { ForwardingWorld } from '../../support/forwarding-world.ts';
import { RawAgent, type Delivery } from '../../support/raw-agent.ts';
import type { MfeMessage } from '../../support/raw-operations.ts';
import { overReplicas } from '../../support/stage.ts';

const ROUNDS = 5;
const STEPS = 25;
const { FC_SEED } = process.env;
const FIRST_SEED = FC_SEED === undefined ? Date.now() % 1_000_000 : Number(FC_SEED);
const SEEDS = FC_SEED === undefined ? [FIRST_SEED, FIRST_SEED + 1] : [FIRST_SEED];

/** A bus that loses a push in five, repeats one in five, and holds one in five back until the next one. */
function badBus(chance: Chance): Delivery {
  let late: MfeMessage[] = [];
  return (push) => {
    const kind = chance.between(1, 5);
    if (kind === 1) return [];
    if (kind === 2) {
      late.push(push);
      return [];
    }
    const arriving = kind === 3 ? [push, ...late, push] : [push, ...late];
    late = [];
    return arriving;
  };
}

overReplicas((stage) => {
  describe('section 8.2: agents after a random history (W4, W5)', { timeout: 300_000 }, () => {
    it.each(SEEDS)('have the entries of mfe.list, seed %i (FC_SEED repeats it)', async (seed) => {
      const chance = new Chance(seed);
      const router = stage.router();
      using world = await ForwardingWorld.open(router, chance);
      const good = new RawAgent(router);
      const unlucky = new RawAgent(router, { deliver: badBus(chance.fork()), limit: 3 });
      const deaf = new RawAgent(router, { deliver: () => [], limit: 2 });
      const restless = new RawAgent(router, { limit: 2 });
      const agents = [good, unlucky, deaf, restless];
      for (const agent of agents) await agent.attach();
      let entries = 0;
      for (let round = 0; round < ROUNDS; round++) {
        await restless.detach();
        await world.play(STEPS);
        // Attaches while the router changes.
        const attached = restless.attach();
        const fresh = new RawAgent(router, { limit: 2 });
        const walked = fresh.attach();
        await world.play(STEPS);
        await Promise.all([attached, walked]);
        entries += await world.calm([...agents, fresh]);
        await fresh.detach();
      }
      for (const agent of agents) await agent.detach();
      expect(entries).toBeGreaterThan(0);
      expect(agents.map(({ counts }) => counts.walks)).toEqual([1, 1, 1, 1]);
      // The tail of the pushes is lost each time: the head tells.
      expect(deaf.counts.gaps).toBeGreaterThanOrEqual(ROUNDS);
    });
  });
});
