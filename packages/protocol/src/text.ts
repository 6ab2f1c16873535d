import type { InterfaceSettings } from './events.ts';
import { protocolName } from './ids.ts';

/** An interface for people: `3`, or `3 via 10.0.0.1` if a next hop is named. */
export function interfaceText({
  ifIndex,
  nextHop = '',
}: {
  readonly ifIndex: number;
  readonly nextHop?: string | undefined;
}): string {
  return nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}

/** A client for people: its protocol, component and name, as `PIM/1 pim-1`. */
export function clientText({
  protocolId,
  componentId,
  name = '',
}: {
  readonly protocolId: number;
  readonly componentId: number;
  readonly name?: string | undefined;
}): string {
  return `${protocolName(protocolId)}/${componentId} ${name}`.trimEnd();
}

/** A duration in ms for people: `850 ms`, `9.8 s`, `4 min 10 s`, `2 h 5 min`. A negative one is `0 ms`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An instant of the store's clock in UTC, as logs have it: `2026-11-22 10:27:44.931`. */
export function instantText(ts: number): string {
  const date = new Date(ts);
  return Number.isNaN(date.getTime())
    ? String(ts)
    : date.toISOString().slice(0, -1).replace('T', ' ');
}

/** A number of things: `1 interface`, `2 interfaces`, `65,536 interfaces`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Changed settings of an interface, each as `maxGroups 100`. */
export function settingParts(settings: InterfaceSettings): string[] {
  const { localMembers, wrongIf, maxGroups, maxEntries, lite } = settings;
  return Object.entries({ localMembers, wrongIf, maxGroups, maxEntries, lite }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`${name} ${value}`]),
  );
}

/** An outgoing interface, also with its counters. */
type Outgoing = readonly [ifIndex: number, nextHop: string, ...counters: number[]];

/** The outgoing interfaces of a forwarding entry: `1, 2 via 10.0.0.9`; `none` if its packets are dropped. */
export function outgoingText(
  { oifs, oifCount }: { readonly oifs: readonly Outgoing[]; readonly oifCount: number },
  most = oifs.length,
): string {
  if (oifCount === 0) return 'none';
  const shown = oifs
    .slice(0, most)
    .map(([ifIndex, nextHop]) => interfaceText({ ifIndex, nextHop }));
  const hidden = oifCount - shown.length;
  return [...shown, ...(hidden > 0 ? [`${hidden} more`] : [])].join(', ');
}
