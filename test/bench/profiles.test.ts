import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { profiled, timeByFunction, timeByPart, whereTimeWent } from './profiles.ts';

const frame = (functionName: string, url: string) => ({ callFrame: { functionName, url } });

const PROFILE = {
  nodes: [
    { id: 1, children: [5], ...frame('pack', 'file:///r/node_modules/msgpackr/pack.js') },
    { id: 2, children: [1], ...frame('', 'file:///r/services/manager/src/intake.ts') },
    { id: 3, ...frame('(idle)', '') },
    { id: 4, ...frame('pack', 'file:///r/node_modules/msgpackr/pack.js') },
    { id: 5, ...frame('utf8Write', '') },
  ],
  samples: [1, 2, 4, 5, 3],
  timeDeltas: [10, 5, 1, 7, 100],
};

it('adds up the time of each function', () => {
  expect([...timeByFunction(PROFILE)]).toEqual([
    ['pack msgpackr/pack.js', 11],
    ['(anonymous) intake.ts', 5],
    ['utf8Write', 7],
    ['(idle)', 100],
  ]);
});

it('adds up the time of each package, with the time of the engine on its behalf', () => {
  expect([...timeByPart(PROFILE)]).toEqual([
    ['msgpackr', 18],
    ['intake.ts', 5],
    ['(idle)', 100],
  ]);
});

it('names the function that keeps this process busy', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-profile-'));
  try {
    await profiled(dir, 'test', async () => keepBusy(300));
    const text = await whereTimeWent(dir);
    expect(text).toMatch(/^load-test\.cpuprofile\n\d+ ms busy/);
    expect(text).toContain('keepBusy profiles.test.ts');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

/** Measures CPU time, since on a busy machine elapsed time gives few samples. */
function keepBusy(cpuMs: number): number {
  const begun = process.cpuUsage();
  let turns = 0;
  while (process.cpuUsage(begun).user < cpuMs * 1_000) turns++;
  return turns;
}
