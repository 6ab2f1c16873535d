import type { Holder, InterfaceItem, SessionItem } from '@mgm/client';
import { clientText, durationText } from '@mgm/protocol';
import type { Column } from './columns.ts';

/** `held`, or `stale` with the rest of the grace time. */
export function holdText({ stale, graceLeftMs }: Holder | InterfaceItem): string {
  if (!stale) return 'held';
  return graceLeftMs === undefined ? 'stale' : `stale, ${durationText(graceLeftMs)} left`;
}

/** `live` or `stale`, with the time left. */
function sessionText({ state, expiresInMs }: SessionItem): string {
  return `${state}, ${durationText(expiresInMs)} left`;
}

/** A group for people: `*` is every group of IPv4, `* (IPv6)` every group of IPv6. */
export function shownGroup(group: string): string {
  if (group === '') return '*';
  return group === '::' ? '* (IPv6)' : group;
}

/** A source for people: `*` is any source. */
export function shownSource(source: string): string {
  return source === '' ? '*' : source;
}

/** How many excluded sources are shown in one place. */
const EXCLUDED_SHOWN = 4;

/** The sources of a membership for people: `*`, or `* except 10.0.0.1 10.0.0.2`; of many excluded ones the first. */
export function shownSources(source: string, exclude: readonly string[] = []): string {
  if (exclude.length === 0) return shownSource(source);
  const more = exclude.length - EXCLUDED_SHOWN;
  const shown = exclude.slice(0, EXCLUDED_SHOWN).join(' ');
  return `${shownSource(source)} except ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `(10.0.0.1, 232.1.1.1)`, `(*, 239.1.1.1)`, `(*, *)`. */
export function entryText(group: string, source: string, exclude?: readonly string[]): string {
  return `(${shownSources(source, exclude)}, ${shownGroup(group)})`;
}

/** The columns of a table of sessions. */
export const SESSION_COLUMNS: readonly Column<SessionItem>[] = [
  { name: 'SESSION', rank: 0, cell: ({ session }) => String(session) },
  { name: 'CLIENT', rank: 0, cell: (item) => clientText(item) },
  {
    name: 'STATE',
    rank: 0,
    cell: (item, { red, green }) => (item.state === 'stale' ? red : green)(sessionText(item)),
  },
  { name: 'INTERFACES', rank: 1, cell: ({ interfaces }) => String(interfaces) },
];
