import { isIgmp, type EventMessage, type InterfaceItem } from '@mgm/protocol';
import { interfaceKey, keyText, type InterfaceRef } from '../interfaces/key.ts';

/** What to tell of a router's changes. All that are given must fit. They spare the caller, not the managers. */
export interface WatchFilter {
  /**
   * Only this interface: what names it, and what happens to a whole session that is on it (`stale`, `expired`, `evicted`,
   * `resumed`). After `from` it is not known who is on it until an event tells: so long, every such event passes.
   */
  readonly interface?: InterfaceRef | undefined;
  /** Only what clients with this protocol id do and hold. */
  readonly protocolId?: number | undefined;
  /** Only what this session does and holds. `resumed` passes for both of its sessions: the new number is the heir's. */
  readonly session?: number | undefined;
}

/** Lets through what a watcher asked for. It must be shown every event, for it follows who is on the interface. */
export class SightingFilter {
  readonly #interface: OnInterface | undefined;
  readonly #protocolId: number | undefined;
  readonly #session: number | undefined;

  /** @throws MgmError `bad-request` for an interface that can't be one */
  constructor({ interface: ref, protocolId, session }: WatchFilter, router: string) {
    this.#interface = ref && new OnInterface(keyText(interfaceKey(ref, { router }, 'interface.')));
    this.#protocolId = protocolId;
    this.#session = session;
  }

  /** Those of a snapshot that pass. */
  items(items: readonly InterfaceItem[]): readonly InterfaceItem[] {
    this.#interface?.reset(items);
    return items.filter((item) => this.#isItem(item));
  }

  /** Those events that pass, as a watcher sees them. */
  *events(
    events: readonly EventMessage[],
  ): Generator<{ readonly kind: 'event'; readonly event: EventMessage }> {
    for (const event of events) if (this.#passes(event)) yield { kind: 'event', event };
  }

  #isItem(item: InterfaceItem): boolean {
    const { protocolId, session, igmp } = item;
    const isOf = (wanted: number | undefined, own: number, beside: number | undefined): boolean =>
      wanted === undefined || wanted === own || wanted === beside;
    return (
      (this.#interface?.isIt(item) ?? true) &&
      isOf(this.#protocolId, protocolId, igmp?.protocolId) &&
      isOf(this.#session, session, igmp?.session)
    );
  }

  #passes(event: EventMessage): boolean {
    const isHere = this.#interface?.concerns(event) ?? true;
    if (event.type === 'store-reset') return true;
    const { protocolId, session, previous } = event;
    const isProtocol = this.#protocolId === undefined || this.#protocolId === protocolId;
    const wanted = this.#session;
    const isSession = wanted === undefined || wanted === session || wanted === previous;
    return isHere && isProtocol && isSession;
  }
}

const OF_SESSIONS: ReadonlySet<string> = new Set(['stale', 'expired', 'evicted', 'resumed']);

type Role = 'routing' | 'igmp';
/** The session in a role, if it is known whether there is one. */
type Present = number | 'nobody' | 'unknown';

/** Follows who is on one interface, since what happens to a session names no interface. */
class OnInterface {
  readonly #key: string;
  readonly #present: Record<Role, Present> = { routing: 'unknown', igmp: 'unknown' };

  constructor(key: string) {
    this.#key = key;
  }

  isIt(item: InterfaceItem): boolean {
    return keyText(item) === this.#key;
  }

  /** What is so now. */
  reset(items: readonly InterfaceItem[]): void {
    const item = items.find((one) => this.isIt(one));
    const own = item && isIgmp(item.protocolId) ? 'igmp' : 'routing';
    this.#present.routing = own === 'routing' ? (item?.session ?? 'nobody') : 'nobody';
    this.#present.igmp =
      own === 'igmp' ? (item?.session ?? 'nobody') : (item?.igmp?.session ?? 'nobody');
  }

  /** To be asked once for each change, in the order of revisions. */
  concerns(event: EventMessage): boolean {
    return event.ifIndex === undefined ? this.#ofSession(event) : this.#ofInterface(event);
  }

  #ofInterface({ ifIndex = 0, nextHop, type, session }: EventMessage): boolean {
    if (nextHop === undefined || keyText({ ifIndex, nextHop }) !== this.#key) return false;
    const role = type.startsWith('igmp-') ? 'igmp' : 'routing';
    this.#present[role] = type.endsWith('taken') ? (session ?? 'unknown') : 'nobody';
    return true;
  }

  #ofSession({ type, session, previous, protocolId = 0 }: EventMessage): boolean {
    if (!OF_SESSIONS.has(type)) return false;
    const role = isIgmp(protocolId) ? 'igmp' : 'routing';
    const present = this.#present[role];
    if (present === 'unknown') return true;
    if (type !== 'resumed') return present === session;
    if (present !== previous) return false;
    this.#present[role] = session ?? 'unknown';
    return true;
  }
}
