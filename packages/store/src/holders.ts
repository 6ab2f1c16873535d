import type { Holder as WireHolder, IgmpHold, InterfaceItem, SessionItem } from '@mgm/protocol';
import type {
  Holder,
  Igmp,
  InterfaceItem as ListedInterface,
  SessionItem as ListedSession,
} from './generated/arbiter.ts';

/** A holder as the bus carries it: what does not apply is absent. */
export function wireHolder(holder: Holder): WireHolder {
  const { protocolId, componentId, session, name, epoch, since, stale } = holder;
  return {
    protocolId,
    componentId,
    session,
    name,
    epoch,
    since,
    stale,
    ...(stale && { graceLeftMs: holder.graceLeft }),
    ...(holder.igmp && { igmp: wireIgmp(holder.igmp) }),
  };
}

function wireIgmp({ protocolId, componentId, session, epoch }: Igmp): IgmpHold {
  return { protocolId, componentId, session, epoch };
}

export function wireInterface(item: ListedInterface): InterfaceItem {
  return { ...item.interface, ...wireHolder(item.holder) };
}

export function wireSession(item: ListedSession): SessionItem {
  const { stale, ...rest } = item;
  return { ...rest, state: stale ? 'stale' : 'live' };
}

/** A holder for people: `PIM-SM on r1 (protocol 103, component 1, session 17)`. */
export function describeHolder({ name, protocolId, componentId, session }: Holder): string {
  return `${name || 'a client'} (protocol ${protocolId}, component ${componentId}, session ${session})`;
}
