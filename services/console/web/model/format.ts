import {
  clientText,
  isIgmp,
  settingParts,
  type EventMessage,
  type InterfaceItem,
} from '@mgm/protocol';

/** The holder of an interface in words. */
export function holdText({ stale, igmp }: InterfaceItem): string {
  return [stale ? 'stale' : 'held', ...(igmp ? ['with IGMP'] : [])].join(', ');
}

/** The client of an event; `''` for an event without one. Session 0 is an operator. */
export function eventClient({ protocolId, componentId, session }: EventMessage): string {
  if (protocolId === undefined || componentId === undefined || session === 0) return '';
  return clientText({ protocolId, componentId });
}

/** What changed and why, as far as the event says more than its type. */
export function eventReason(event: EventMessage): string {
  const { cause, actor, why, previous } = event;
  return [
    ...settingParts(event),
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
