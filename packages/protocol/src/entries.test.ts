import { describe, expect, it } from 'vitest';
import { entryName, entryNamed, type Entry } from './entries.ts';

describe('names of entries', () => {
  /** In the order of listings: IPv4, IPv6; then group, then source; wildcards first. */
  const entries = [
    ['', ''],
    ['224.0.0.1', ''],
    ['224.0.0.1', '9.0.0.1'],
    ['224.0.0.1', '10.0.0.1'],
    ['239.1.1.1', ''],
    ['::', ''],
    ['ff02::1', ''],
    ['ff0e::1', ''],
    ['ff0e::1', '2001:db8::9'],
    ['ff0e::1', '2001:db8::10'],
  ].map(([group, source]) => ({ group, source }) as Entry);

  it('in byte order are entries in the order of listings', () => {
    const names = entries.map(entryName);
    expect(names.toSorted()).toEqual(names);
    expect(names.slice(0, 3)).toEqual(['4', '4e0000001', '4e000000109000001']);
  });

  it('name the same entry again', () => {
    for (const entry of entries) expect(entryNamed(entryName(entry))).toEqual(entry);
  });

  it.each(['', '5', '4e000000', '4E0000001', '6ff02', '4e0000001 '])('are not %j', (name) => {
    expect(() => entryNamed(name)).toThrow('not the name of an entry');
  });
});
