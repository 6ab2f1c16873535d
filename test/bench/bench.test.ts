import { describe, expect, inject, it } from 'vitest';
import { measure } from './bench.ts';
import { pictureOf } from './pictures.ts';
import { SCENARIO_NAMES } from './scenarios.ts';
import { TINY } from './size.ts';
import { terminalTable } from './tables.ts';

const OPTIONS = { size: TINY, quick: true, profileDir: undefined };
/** Longer than the duration of all scenarios on a busy machine. */
const WITHIN_MS = 90_000;

/** Every scenario runs against real servers; their speed is not checked. */
describe.concurrent('a tiny run', () => {
  it.for(SCENARIO_NAMES)(
    'of "%s" has a value or a reason for each figure',
    { timeout: WITHIN_MS },
    async (name, { skip, expect: expectHere }) => {
      skip(inject('servers').redis.kind !== 'process', 'measures servers that run as processes');
      const section = await measure(name, OPTIONS);
      expectHere(section.figures.length).toBeGreaterThan(0);
      for (const { what, values, absent } of section.figures) {
        if (absent !== undefined)
          expectHere(absent, what).toMatch(/not on this machine|needs java/);
        else expectHere(values.length, what).toBeGreaterThan(0);
        expectHere(
          values.filter((value) => !Number.isFinite(value)),
          what,
        ).toEqual([]);
      }
      const ids = section.figures.map(({ id }) => id);
      expectHere(new Set(ids).size).toBe(ids.length);
      expectHere(terminalTable(section)).toContain(section.figures[0]?.what);
      expectHere(pictureOf(section)?.svg ?? '<svg').toContain('<svg');
    },
  );
});

it('covers every scenario with a heading on the page', () => {
  expect(SCENARIO_NAMES.length).toBeGreaterThan(8);
});
