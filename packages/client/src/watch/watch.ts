import { isIgmp, roleOfChangedHold } from '@mgm/protocol';
import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import { interfaceKey, keyText, type InterfaceRef } from '../interfaces/refs.ts';
import type { Context } from '../rpc/context.ts';
import { follow, type FollowOptions, type SightingOf } from './follow.ts';
import { holdLog } from './listing.ts';

/** Where to begin, what to report, and how to end. */
export interface WatchOptions extends WatchFilter, FollowOptions {}

/**
 * An item of a watch. A snapshot has all interfaces that are held at revision `rev`. Holders and epochs are those of `rev`; for
 * a hold that changed while the list was read, `name` and `since` are best effort. With a filter, revisions have gaps.
 */
export type Sighting = SightingOf<
  { readonly interfaces: readonly InterfaceItem[]; readonly rev: Revision },
  { readonly rev: number },
  EventMessage
>;

/**
 * All changes of state of a router, without gaps: see {@link follow}. Throws `MgmError` if it can't continue (`closed`,
 * `not-permitted`, `bad-request` for an invalid filter).
 */
export async function* watch(
  context: Context,
  options: WatchOptions = {},
): AsyncGenerator<Sighting, void, undefined> {
  const filter = new SightingFilter(options, context.router);
  for await (const one of follow(context, holdLog(context), options)) {
    if (one.kind === 'snapshot') yield { ...one, interfaces: filter.items(one.interfaces) };
    else if (one.kind === 'synced' || filter.passes(one.event)) yield one;
  }
}

/** Which events to report; all given conditions must match. The filter runs in the client: managers send everything. */
export interface WatchFilter {
  /**
   * Only this interface: events that name it, and events of a whole session that holds it (`stale`, `expired`, `evicted`,
   * `resumed`). After `from` its holder is unknown until an event names it: until then every such event passes.
   */
  readonly interface?: InterfaceRef | undefined;
  /** Only events and holds of clients with this protocol id. */
  readonly protocolId?: number | undefined;
  /** Only events and holds of this session. `resumed` passes for its former and its new session. */
  readonly session?: number | undefined;
}

/** Applies a {@link WatchFilter}. It must see every event, because it tracks the holder of the interface. */
class SightingFilter {
  readonly #interface: OnInterface | undefined;
  readonly #protocolId: number | undefined;
  readonly #session: number | undefined;

  /** @throws MgmError `bad-request` for an invalid interface */
  constructor({ interface: ref, protocolId, session }: WatchFilter, router: string) {
    this.#interface = ref && new OnInterface(keyText(interfaceKey(ref, { router }, 'interface.')));
    this.#protocolId = protocolId;
    this.#session = session;
  }

  /** The items of a snapshot that match. */
  items(items: readonly InterfaceItem[]): readonly InterfaceItem[] {
    this.#interface?.reset(items);
    return items.filter((item) => this.#isItem(item));
  }

  /** Whether the event matches. To be called once per event, in order. */
  passes(event: EventMessage): boolean {
    const isHere = this.#interface?.concerns(event) ?? true;
    if (event.type === 'store-reset') return true;
    const { protocolId, session, previous } = event;
    const isProtocol = this.#protocolId === undefined || this.#protocolId === protocolId;
    const wanted = this.#session;
    const isSession = wanted === undefined || wanted === session || wanted === previous;
    return isHere && isProtocol && isSession;
  }

  #isItem(item: InterfaceItem): boolean {
    const { protocolId, session, igmp } = item;
    const isOf = (
      wanted: number | undefined,
      owner: number,
      igmpHold: number | undefined,
    ): boolean => wanted === undefined || wanted === owner || wanted === igmpHold;
    return (
      (this.#interface?.matches(item) ?? true) &&
      isOf(this.#protocolId, protocolId, igmp?.protocolId) &&
      isOf(this.#session, session, igmp?.session)
    );
  }
}

const OF_SESSIONS: ReadonlySet<string> = new Set(['stale', 'expired', 'evicted', 'resumed']);

type Role = 'owner' | 'igmp';
/** The session in a role. */
type HolderState = number | 'none' | 'unknown';

/** Tracks the holders of one interface, because events of a session name no interface. */
class OnInterface {
  readonly #key: string;
  readonly #holders: Record<Role, HolderState> = { owner: 'unknown', igmp: 'unknown' };

  constructor(key: string) {
    this.#key = key;
  }

  matches(item: InterfaceItem): boolean {
    return keyText(item) === this.#key;
  }

  /** A snapshot. */
  reset(items: readonly InterfaceItem[]): void {
    const item = items.find((one) => this.matches(one));
    const own = item && isIgmp(item.protocolId) ? 'igmp' : 'owner';
    this.#holders.owner = own === 'owner' ? (item?.session ?? 'none') : 'none';
    this.#holders.igmp =
      own === 'igmp' ? (item?.session ?? 'none') : (item?.igmp?.session ?? 'none');
  }

  /** Whether the event concerns this interface. To be called once per event, in the order of revisions. */
  concerns(event: EventMessage): boolean {
    return event.ifIndex === undefined ? this.#ofSession(event) : this.#ofInterface(event);
  }

  #ofInterface(event: EventMessage): boolean {
    const { ifIndex = 0, nextHop, type, session } = event;
    if (nextHop === undefined || keyText({ ifIndex, nextHop }) !== this.#key) return false;
    const role = roleOfChangedHold(event);
    if (role) this.#holders[role] = type.endsWith('taken') ? (session ?? 'unknown') : 'none';
    return true;
  }

  #ofSession({ type, session, previous, protocolId = 0 }: EventMessage): boolean {
    if (!OF_SESSIONS.has(type)) return false;
    const role = isIgmp(protocolId) ? 'igmp' : 'owner';
    const holder = this.#holders[role];
    if (holder === 'unknown') return true;
    if (type !== 'resumed') return holder === session;
    if (holder !== previous) return false;
    this.#holders[role] = session ?? 'unknown';
    return true;
  }
}
