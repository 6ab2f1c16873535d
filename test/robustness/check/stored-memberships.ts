import { entryText } from '../traffic/entries.ts';
import type { Evidence, Finding, StoredMemberships } from './evidence.ts';

/** The schema of data with memberships, and without. */
const WITH_MEMBERSHIPS = 3;
const WITHOUT = 2;

/** When settled, nothing is stored for ended holds; without memberships the schema is 2 (V6). */
export function checkStored({ router, stored, members }: Evidence): Finding {
  const countOf = (texts: readonly string[]): number => new Set(texts).size;
  const isThere = members.length > 0;
  const expected: StoredMemberships = {
    schema: isThere ? WITH_MEMBERSHIPS : WITHOUT,
    slots: countOf(members.map((one) => `${one.session} ${one.ifIndex} ${one.nextHop}`)),
    entries: countOf(members.map(({ group, source }) => entryText([group, source]))),
    interfaces: countOf(members.map(({ ifIndex, nextHop }) => `${ifIndex} ${nextHop}`)),
    withdrawn: 0,
  };
  const [found, wanted] = [JSON.stringify(stored), JSON.stringify(expected)];
  const problems = found === wanted ? [] : [`${router}: stored is ${found}, listed is ${wanted}`];
  return { check: 'stored memberships', checked: stored.slots, problems };
}
