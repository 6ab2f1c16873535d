import { TestProcess } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';

const PROGRAM = new URL('fair-queue-garbage.ts', import.meta.url);

describe('a fair queue', () => {
  it.each([
    [1, 1],
    [30, 30],
    [200, 1_000],
  ])('leaves no old-generation garbage, with %d flows and %d waiting items', async (...of) => {
    await using program = TestProcess.node(PROGRAM, of.map(String));
    const { code, stdout } = await program.ended();
    expect(code).toBe(0);
    expect(Number(stdout)).toBeLessThan(200_000);
  });
});
