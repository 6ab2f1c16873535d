import type { EventMessage } from './events.ts';
import type { Epoch, SessionId } from './ids.ts';

/** A hold of an interface as the event that began it describes it. */
export interface EventHold {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: SessionId;
  readonly epoch: Epoch;
  /** When it began, in ms on the store's clock. */
  readonly since: number;
  readonly stale: boolean;
}

/**
 * Whose hold of its interface an event begins or ends; `undefined` if it leaves both as they are, as `interface-set` does.
 * Wire contract section 5.
 */
export function roleOfChangedHold({
  type,
}: Pick<EventMessage, 'type'>): 'owner' | 'igmp' | undefined {
  switch (type) {
    case 'taken':
    case 'released':
      return 'owner';
    case 'igmp-taken':
    case 'igmp-released':
      return 'igmp';
    default:
      return undefined;
  }
}

/** That hold after the event; `undefined` if the event ended it. */
export function holdAfter(event: EventMessage): EventHold | undefined {
  if (!event.type.endsWith('taken')) return undefined;
  const { protocolId, componentId, session, epoch, ts: since } = event;
  if (protocolId === undefined || componentId === undefined) return undefined;
  if (session === undefined || epoch === undefined) return undefined;
  return { protocolId, componentId, session, epoch, since, stale: false };
}

const CHANGES_HOLDS: ReadonlySet<string> = new Set(['stale', 'expired', 'evicted', 'resumed']);

/** The session whose holds an event without an interface changes; `undefined` if it changes none. */
export function sessionOfChangedHolds({ type, session, previous }: EventMessage) {
  if (!CHANGES_HOLDS.has(type)) return undefined;
  return type === 'resumed' ? previous : session;
}

/**
 * A hold after an event of its session: see {@link sessionOfChangedHolds}. `undefined` if the session is over, which holds
 * nothing, also before each `released`.
 */
export function holdAfterSessionEvent<Hold extends Pick<EventHold, 'session' | 'epoch' | 'stale'>>(
  hold: Hold,
  { type, session, epoch }: EventMessage,
): Hold | undefined {
  if (type === 'expired' || type === 'evicted') return undefined;
  if (type === 'stale') return { ...hold, stale: true };
  return { ...hold, session: session ?? hold.session, epoch: epoch ?? hold.epoch, stale: false };
}
