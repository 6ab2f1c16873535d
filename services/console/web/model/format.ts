import { isIgmp, protocolName, type EventMessage, type InterfaceItem } from '@mgm/protocol';

/** An interface by its numbers. */
export interface Key {
  readonly ifIndex: number;
  readonly nextHop?: string | undefined;
}

/** `3`, or `3 via 10.0.0.1` if a next hop is named. */
export function interfaceText({ ifIndex, nextHop = '' }: Key): string {
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

/** `850 ms`, `9.8 s`, `4 min 10 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An instant in UTC, as logs have it: `2026-11-22 10:27:44.931`. */
export function instantText(ts: number): string {
  const date = new Date(ts);
  return Number.isNaN(date.getTime())
    ? String(ts)
    : date.toISOString().slice(0, -1).replace('T', ' ');
}

/** `1 interface`, `2 interfaces`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** The holder of an interface in words. */
export function holdText({ stale, igmp }: InterfaceItem): string {
  return [stale ? 'stale' : 'held', ...(igmp ? ['with IGMP'] : [])].join(', ');
}

/** The client of an event; `''` for an event without one. */
export function eventClient({ protocolId, componentId }: EventMessage): string {
  if (protocolId === undefined || componentId === undefined) return '';
  return clientText({ protocolId, componentId });
}

/** Why it happened, as far as the event says more than its type. */
export function eventReason({ cause, actor, why, previous }: EventMessage): string {
  return [
    ...(previous === undefined ? [] : [`after session ${previous}`]),
    ...(cause === undefined || cause === 'take' || cause === 'release' ? [] : [cause]),
    ...(actor === undefined ? [] : [`by ${actor}`]),
    ...(why === undefined ? [] : [why]),
  ].join(', ');
}

/** The colour class of an event. */
export function eventTone({ type, protocolId }: EventMessage): 'good' | 'bad' | 'warn' | 'info' {
  if (type === 'stale' || type === 'expired' || type === 'evicted' || type === 'store-reset')
    return 'bad';
  if (type.endsWith('released')) return 'warn';
  return type.endsWith('taken') && !isIgmp(protocolId ?? 0) ? 'good' : 'info';
}
