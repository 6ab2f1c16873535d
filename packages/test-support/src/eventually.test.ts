import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('returns the result of the first successful attempt', async () => {
    let tries = 0;
    const third = () => (++tries === 3 ? tries : Promise.reject(new Error('not yet')));
    await expect(eventually(third, { withinMs: 2_000, everyMs: 1 })).resolves.toBe(3);
  });

  it('reports the last failure when it gives up', async () => {
    const never = () => expect({ owner: 'pim-1' }).toEqual({ owner: 'pim-2' });
    const gaveUp = eventually(never, { withinMs: 30, everyMs: 5 });
    await expect(gaveUp).rejects.toThrow(/not so within 30 ms, tried \d+ times: expected .*pim-1/);
    await expect(gaveUp).rejects.toHaveProperty('cause.expected', { owner: 'pim-2' });
  });

  it('reports the last failure when a later attempt hangs', async () => {
    let tries = 0;
    const hangs = () =>
      ++tries === 1 ? Promise.reject(new Error('refused')) : new Promise(() => {});
    await expect(eventually(hangs, { withinMs: 40, everyMs: 1 })).rejects.toThrow(
      '2 times: refused',
    );
  });
});
