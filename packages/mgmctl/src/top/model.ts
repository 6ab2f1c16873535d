import type { EventMessage, InterfaceItem, Replica, SessionItem, Sighting } from '@mgm/client';
import { isIgmp } from '@mgm/client';
import { holdAfter, interfaceText, roleOfChangedHold } from '@mgm/protocol';
import { ReplicaRates, type ReplicaView } from './replicas.ts';

/** The number of changes kept. */
const CHANGES_MAX = 50;
const RATE_OVER_S = 10;

/** The state of a router at one moment. */
export interface TopView {
  /** The last revision seen. */
  readonly rev: number;
  /** The number of interfaces that routing protocols hold. */
  readonly interfaces: number;
  /** The number of interfaces that IGMP holds. */
  readonly igmp: number;
  readonly changesPerSecond: number;
  /** By name; `undefined` if they are unknown. */
  readonly replicas: readonly ReplicaView[] | undefined;
  /** Those with the most interfaces first; `undefined` while no manager answers. */
  readonly sessions: readonly SessionItem[] | undefined;
  /** Oldest first. */
  readonly changes: readonly EventMessage[];
}

/** The state of a router, from the sightings of a watch and the last listing of sessions. */
export class TopModel {
  readonly #held = { routing: new Set<string>(), igmp: new Set<string>() };
  readonly #openedMono: number;
  /** The number of changes by second. */
  readonly #counts = new Map<number, number>();
  readonly #rates = new ReplicaRates();
  #replicas: readonly ReplicaView[] | undefined;
  #changes: EventMessage[] = [];
  #sessions: readonly SessionItem[] | undefined;
  #rev = 0;

  constructor(nowMono: number) {
    this.#openedMono = nowMono;
  }

  /** The present sessions; `undefined` if no manager answered. */
  set sessions(items: readonly SessionItem[] | undefined) {
    this.#sessions = items?.toSorted(
      (a, b) => b.interfaces - a.interfaces || a.session - b.session,
    );
  }

  /** The present replicas; `undefined` if they are unknown. */
  seeReplicas(replicas: readonly Replica[] | undefined, nowMono: number): void {
    this.#replicas = replicas && this.#rates.update(replicas, nowMono);
  }

  /** Adds changes from before the watch: they are shown but do not count for the rate. */
  remember(events: readonly EventMessage[]): void {
    this.#changes = [...events];
  }

  see(sighting: Sighting, nowMono: number): void {
    if (sighting.kind === 'snapshot') return this.#reset(sighting.interfaces, sighting.rev);
    if (sighting.kind === 'synced') return;
    const { event } = sighting;
    this.#rev = event.rev;
    this.#changes = [...this.#changes, event].slice(-CHANGES_MAX);
    this.#count(Math.floor(nowMono / 1_000));
    this.#change(event);
  }

  view(nowMono: number): TopView {
    return {
      rev: this.#rev,
      interfaces: this.#held.routing.size,
      igmp: this.#held.igmp.size,
      changesPerSecond: this.#rate(nowMono),
      replicas: this.#replicas,
      sessions: this.#sessions,
      changes: this.#changes,
    };
  }

  #reset(items: readonly InterfaceItem[], rev: number): void {
    this.#rev = rev;
    this.#held.routing.clear();
    this.#held.igmp.clear();
    for (const item of items) {
      const igmpOnly = isIgmp(item.protocolId);
      if (!igmpOnly) this.#held.routing.add(interfaceText(item));
      if (igmpOnly || item.igmp) this.#held.igmp.add(interfaceText(item));
    }
  }

  #change(event: EventMessage): void {
    const { ifIndex, nextHop } = event;
    const role = roleOfChangedHold(event);
    if (ifIndex === undefined || role === undefined) return;
    const held = role === 'igmp' ? this.#held.igmp : this.#held.routing;
    if (holdAfter(event)) held.add(interfaceText({ ifIndex, nextHop }));
    else held.delete(interfaceText({ ifIndex, nextHop }));
  }

  #count(second: number): void {
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > RATE_OVER_S && oldest !== undefined) this.#counts.delete(oldest);
  }

  #rate(nowMono: number): number {
    const openMs = Math.max(nowMono - this.#openedMono, 1_000);
    const since = Math.floor(nowMono / 1_000) - RATE_OVER_S;
    let count = 0;
    for (const [second, ofSecond] of this.#counts) if (second > since) count += ofSecond;
    return count / Math.min(RATE_OVER_S, openMs / 1_000);
  }
}
