import { setImmediate as turn } from 'node:timers/promises';
import type { EventMessage, InterfaceItem, Mgm, Sighting, WatchOptions } from '@mgm/client';
import { isIgmp } from '@mgm/client';

/** One line per hold: interface, role, session and epoch. */
export type Holds = ReadonlySet<string>;

/** The holds in a listing of `interfaces`. */
export function listed(items: Iterable<InterfaceItem>): Holds {
  return new Set([...items].flatMap(holdsOf));
}

function holdsOf({ ifIndex, protocolId, session, epoch, igmp }: InterfaceItem): string[] {
  const own = `${ifIndex} ${isIgmp(protocolId) ? 'igmp' : 'owner'} ${session} ${epoch}`;
  return igmp ? [own, `${ifIndex} igmp ${igmp.session} ${igmp.epoch}`] : [own];
}

/** A watcher that keeps its events and the state that follows from them. */
export class Observer implements AsyncDisposable {
  readonly events: EventMessage[] = [];
  readonly marks: Exclude<Sighting, { kind: 'event' }>[] = [];
  readonly #holds = new Set<string>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #beforeEach: ((seen: number) => Promise<void>) | undefined;

  /** `beforeEach` may delay it, as a slow reader does. */
  constructor(mgm: Mgm, options: WatchOptions = {}, beforeEach?: (seen: number) => Promise<void>) {
    this.#beforeEach = beforeEach;
    this.#done = this.#follow(mgm.watch({ ...options, signal: this.#stop.signal }));
    // A failure is reported when it is disposed.
    this.#done.catch(() => {});
  }

  /** The last revision it has seen. */
  get rev(): number {
    return Math.max(this.events.at(-1)?.rev ?? 0, this.marks.at(-1)?.rev ?? 0);
  }

  /** The revisions of its events, in order of arrival. */
  get revs(): number[] {
    return this.events.map(({ rev }) => rev);
  }

  /** The present holds, from its view. */
  get holds(): Holds {
    return this.#holds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(sightings: AsyncIterable<Sighting>): Promise<void> {
    for await (const sighting of sightings) {
      await this.#beforeEach?.(this.events.length);
      if (sighting.kind === 'event') this.#see(sighting.event);
      else this.marks.push(sighting);
      if (sighting.kind === 'snapshot') this.#begin(sighting.interfaces);
      if (this.events.length % 100 === 0) await turn();
    }
  }

  #begin(items: readonly InterfaceItem[]): void {
    this.#holds.clear();
    for (const item of listed(items)) this.#holds.add(item);
  }

  #see(event: EventMessage): void {
    this.events.push(event);
    const { type, ifIndex, session, previous, epoch } = event;
    const role = type.startsWith('igmp-') ? 'igmp' : 'owner';
    if (type.endsWith('taken')) this.#holds.add(`${ifIndex} ${role} ${session} ${epoch}`);
    if (type.endsWith('released')) this.#holds.delete(`${ifIndex} ${role} ${session} ${epoch}`);
    if (type !== 'resumed') return;
    for (const hold of [...this.#holds]) {
      const [on, as, of] = hold.split(' ');
      if (of !== String(previous)) continue;
      this.#holds.delete(hold);
      this.#holds.add(`${on} ${as} ${session} ${epoch}`);
    }
  }
}
