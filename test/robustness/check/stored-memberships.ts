import { entryText } from '../traffic/entries.ts';
import type { Evidence, Finding, StoredMemberships } from './evidence.ts';

/** The schema of data with routes or forwarding entries, with memberships, and without. */
const WITH_FORWARDING = 4;
const WITH_MEMBERSHIPS = 3;
const WITHOUT = 2;

/** When settled, nothing is stored for ended holds; the schema is the lowest that holds the data (V6). */
export function checkStored({ router, stored, members, forwarding }: Evidence): Finding {
  const countOf = (texts: readonly string[]): number => new Set(texts).size;
  const isThere = members.length > 0;
  const hasForwarding = forwarding.routes.length > 0 || forwarding.entries.length > 0;
  const withoutForwarding = isThere ? WITH_MEMBERSHIPS : WITHOUT;
  const expected: StoredMemberships = {
    schema: hasForwarding ? WITH_FORWARDING : withoutForwarding,
    slots: countOf(members.map((one) => `${one.session} ${one.ifIndex} ${one.nextHop}`)),
    entries: countOf(members.map(({ group, source }) => entryText([group, source]))),
    interfaces: countOf(members.map(({ ifIndex, nextHop }) => `${ifIndex} ${nextHop}`)),
    withdrawn: 0,
  };
  const [found, wanted] = [JSON.stringify(stored), JSON.stringify(expected)];
  const problems = found === wanted ? [] : [`${router}: stored is ${found}, listed is ${wanted}`];
  return { check: 'stored memberships', checked: stored.slots, problems };
}
