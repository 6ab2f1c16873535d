import { heapAfter } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { BriefMap } from './brief-map.ts';

/** So many entries come and go, at most `atOnce` at the same time. */
function pass(map: BriefMap<number, object>, count: number, atOnce: number): void {
  for (let key = 0; key < count; key++) {
    map.set(key, { of: Array.from({ length: 100 }, (_, at) => at) });
    if (key >= atOnce) map.delete(key - atOnce);
  }
  for (let key = count - atOnce; key < count; key++) map.delete(key);
}

describe('a brief map', () => {
  it('holds what was set and not deleted since', () => {
    const map = new BriefMap<string, object>();
    const [one, other] = [{}, {}];
    map.set('a', one);
    map.set('b', one);
    map.set('b', other);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([one, other, undefined]);
    expect(map.size).toBe(2);
    expect([map.delete('a'), map.delete('a'), map.delete('c')]).toEqual([true, false, false]);
    expect([map.size, map.has('a'), map.has('b')]).toEqual([1, false, true]);
    map.set('a', other);
    expect([map.size, ...map.values()]).toEqual([2, other, other]);
    map.clear();
    expect([map.size, map.has('a'), ...map.values()]).toEqual([0, false]);
  });

  it('holds the same as a map, whatever comes and goes', () => {
    const map = new BriefMap<number, { at: number }>();
    const expected = new Map<number, { at: number }>();
    for (let at = 0; at < 20_000; at++) {
      const key = (at * 7_919) % 1_009;
      if (at % 3 === 0) expect(map.delete(key)).toBe(expected.delete(key));
      else {
        map.set(key, { at });
        expected.set(key, { at });
      }
    }
    const ats = (values: Iterable<{ at: number }>): number[] =>
      Array.from(values, ({ at }) => at).toSorted((one, other) => one - other);
    expect(ats(map.values())).toEqual(ats(expected.values()));
    expect(map.size).toBe(expected.size);
  });

  it.each([1, 30, 200])('keeps nothing of what has gone, of %d at once', (atOnce) => {
    const map = new BriefMap<number, object>();
    map.set(-1, {});
    pass(map, 5_000, atOnce);
    // What outlives two collections is old from then on, so the map is; the entries that follow are not there that long.
    heapAfter('young');
    const before = heapAfter('young');
    pass(map, 10_000, atOnce);
    expect(heapAfter('young') - before).toBeLessThan(2_000_000);
  });
});
