import { protocolName } from '@mgm/client';
import type { Holder, InterfaceItem, SessionItem } from '@mgm/client';
import type { Column } from './columns.ts';

/** `3`, or `3 via 10.0.0.1` if a next hop is named. */
export function interfaceText(ref: {
  readonly ifIndex: number;
  readonly nextHop?: string | undefined;
}): string {
  const { ifIndex, nextHop = '' } = ref;
  return nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}

/** `PIM/1 pim-1`: protocol, component and the client's name. */
export function clientText(client: {
  readonly protocolId: number;
  readonly componentId: number;
  readonly name?: string | undefined;
}): string {
  const { protocolId, componentId, name = '' } = client;
  return `${protocolName(protocolId)}/${componentId} ${name}`.trimEnd();
}

/** `held`, or `stale` with the rest of the grace time. */
export function holdText({ stale, graceLeftMs }: Holder | InterfaceItem): string {
  if (!stale) return 'held';
  return graceLeftMs === undefined ? 'stale' : `stale, ${durationText(graceLeftMs)} left`;
}

/** `live` or `stale`, with the time left. */
function sessionText({ state, expiresInMs }: SessionItem): string {
  return `${state}, ${durationText(expiresInMs)} left`;
}

/** `850 ms`, `9.8 s`, `4 min 10 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An instant of the store's clock: `2026-11-22 10:27:44.931`, in UTC as logs are. */
export function instantText(ts: number): string {
  const date = new Date(ts);
  return Number.isNaN(date.getTime())
    ? String(ts)
    : date.toISOString().slice(0, -1).replace('T', ' ');
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

/** `(10.0.0.1, 232.1.1.1)`, `(*, 239.1.1.1)`, `(*, *)`. */
export function entryText(group: string, source: string): string {
  return `(${shownSource(source)}, ${shownGroup(group)})`;
}

/** `1 interface`, `2 interfaces`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
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
