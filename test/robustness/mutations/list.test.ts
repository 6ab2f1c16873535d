import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './list.ts';

const ROOT = new URL('../../../', import.meta.url);

describe('the mutations', () => {
  it.each(MUTATIONS)('apply to the present sources: $check', ({ file, from, to, tests }) => {
    const parts = readFileSync(new URL(file, ROOT), 'utf8').split(from);
    expect(parts).toHaveLength(2);
    expect(to).not.toBe(from);
    for (const test of tests) expect(readFileSync(new URL(test, ROOT), 'utf8')).not.toBe('');
  });
});
