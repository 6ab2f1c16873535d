import { clientText, isIgmp, type EventMessage, type InterfaceItem } from '@mgm/protocol';

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
