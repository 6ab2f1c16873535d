import { describe, expect, it } from 'vitest';
import { Chance } from '../../support/chance.ts';
import { MembershipWorld } from '../../support/membership-world.ts';
import { overReplicas } from '../../support/stage.ts';

const STEPS = 120;
const { FC_SEED } = process.env;
const FIRST_SEED = FC_SEED === undefined ? Date.now() % 1_000_000 : Number(FC_SEED);
const SEEDS = FC_SEED === undefined ? [FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2] : [FIRST_SEED];

overReplicas((stage) => {
  describe('section 10: what clients know after a random history', () => {
    it.each(SEEDS)('is what others want, seed %i (FC_SEED repeats it)', async (seed) => {
      const world = await MembershipWorld.open(stage, new Chance(seed));
      // Throws at the first difference.
      expect(await world.play(STEPS)).toBe(STEPS);
    });
  });
});
