import type { Durability } from './durability.ts';
import type { Link } from './link.ts';
import { askOnce } from './redis-client.ts';
import { Moved } from './redis-errors.ts';
import { RedisLink, type StoreState } from './redis-link.ts';
import type { RedisAddress } from './redis-url.ts';
import { nameOf, type PlaceName, placeOf, readClaims, SlotMap } from './slot-map.ts';
import { StoreError } from './store-error.ts';

export interface ClusterLinkOptions {
  readonly address: Extract<RedisAddress, { kind: 'cluster' }>;
  readonly replyWithinMs: number;
  readonly durability: Durability;
  readonly onStateChange: (state: StoreState) => void;
}

const LOOK_EVERY_MS = 250;
/** A view of the cluster from so many nodes is enough. */
const ASK_MOST = 5;
/** Nodes that send a call on to each other do not agree yet. */
const MOST_HOPS = 3;

/**
 * The way to a Redis Cluster: one connection for each node that serves slots, and the map of the slots. A call goes to the
 * node of its key and follows it when it has moved; what is wrong with one node is no matter of the others.
 */
export class ClusterLink implements Link {
  readonly #options: ClusterLinkOptions;
  readonly #links = new Map<PlaceName, RedisLink>();
  readonly #leaving = new Set<RedisLink>();
  #map = new SlotMap([]);
  #state: StoreState = { kind: 'connecting' };
  #looking = false;
  #lookAgain: NodeJS.Timeout | undefined;
  #trouble = '';

  constructor(options: ClusterLinkOptions) {
    this.#options = options;
    void this.#look();
  }

  get state(): StoreState {
    return this.#state;
  }

  runArbiter(metaKey: string, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]> {
    return this.#onNodeOf(metaKey, (link) => link.runArbiter(metaKey, request, mayGrow));
  }

  command(name: string, ...args: string[]): Promise<unknown> {
    return this.#onNodeOf(args[0] ?? '', (link) => link.command(name, ...args));
  }

  close(): void {
    this.#become({ kind: 'closed' });
    clearTimeout(this.#lookAgain);
    for (const link of [...this.#links.values(), ...this.#leaving]) link.close();
  }

  /** A node that says that a key is elsewhere has done nothing: the call may be made there. */
  async #onNodeOf<Reply>(key: string, call: (link: RedisLink) => Promise<Reply>): Promise<Reply> {
    let place = this.#map.ownerOf(key);
    for (let hops = 0; ; hops++) {
      const link = place === undefined ? undefined : this.#links.get(place);
      if (link === undefined) throw this.#unserved(place);
      try {
        return await call(link);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'unavailable') this.#lookSoon();
        if (!(error instanceof Moved) || hops === MOST_HOPS) throw error;
        place = error.place;
      }
    }
  }

  #unserved(place: PlaceName | undefined): StoreError {
    this.#lookSoon();
    const { state } = this;
    const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : '';
    const what =
      place === undefined ? 'no node serves this router' : `${place} is not connected yet`;
    return new StoreError('unavailable', `Redis Cluster: ${what}${reason}`);
  }

  #lookSoon(): void {
    if (this.#looking || this.#lookAgain !== undefined || this.#state.kind === 'closed') return;
    this.#lookAgain = setTimeout(() => void this.#look(), LOOK_EVERY_MS / 10);
  }

  /** Asks nodes who serves what, and again until all slots are served by nodes that are connected. */
  async #look(): Promise<void> {
    this.#lookAgain = undefined;
    this.#looking = true;
    const views = await Promise.allSettled(this.#someNodes().map((name) => this.#viewOf(name)));
    this.#looking = false;
    if (this.#state.kind === 'closed') return;
    const claims = views.flatMap((view) => (view.status === 'fulfilled' ? view.value : []));
    const failed = views.find((view) => view.status === 'rejected');
    this.#trouble = failed ? messageOf(failed.reason) : 'no node serves any slot';
    if (claims.length > 0) {
      this.#trouble = '';
      this.#follow(new SlotMap(claims));
    }
    this.#tell();
    if (this.#isComplete()) return;
    clearTimeout(this.#lookAgain);
    this.#lookAgain = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
  }

  #someNodes(): PlaceName[] {
    const known = new Set([...this.#links.keys(), ...this.#options.address.nodes.map(nameOf)]);
    return [...known]
      .map((name) => ({ name, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, ASK_MOST)
      .map(({ name }) => name);
  }

  async #viewOf(name: PlaceName) {
    const place = placeOf(name);
    const { address, replyWithinMs } = this.#options;
    const single = { ...address, ...place, kind: 'single', db: 0 } as const;
    const view = await askOnce(single, Math.max(1000, replyWithinMs), 'CLUSTER', 'NODES');
    return readClaims(String(view), place, address.tls);
  }

  #follow(map: SlotMap): void {
    this.#map = map;
    for (const name of map.masters) if (!this.#links.has(name)) this.#join(name);
    for (const [name, link] of this.#links) if (!map.masters.has(name)) this.#leave(name, link);
  }

  #join(name: PlaceName): void {
    const { address, ...options } = this.#options;
    const link = new RedisLink({
      ...options,
      address: { ...address, ...placeOf(name), kind: 'single', db: 0 },
      onStateChange: ({ kind }) => {
        if (this.#links.get(name) !== link) return;
        if (kind !== 'ready') this.#lookSoon();
        this.#tell();
      },
    });
    this.#links.set(name, link);
  }

  /** Calls that are on their way there still get their answers. */
  #leave(name: PlaceName, link: RedisLink): void {
    this.#links.delete(name);
    this.#leaving.add(link);
    setTimeout(() => {
      link.close();
      this.#leaving.delete(link);
    }, this.#options.replyWithinMs).unref();
  }

  #isComplete(): boolean {
    const { size } = this.#map.masters;
    const states = [...this.#links.values()].map((link) => link.state);
    return size > 0 && this.#map.unserved === 0 && states.every(({ kind }) => kind === 'ready');
  }

  /** Ready as soon as one node is, once it is known what is wrong with each other one. */
  #tell(): void {
    const states = [...this.#links].map(([name, link]) => ({ name, state: link.state }));
    const ready = states.flatMap(({ state }) => (state.kind === 'ready' ? [state] : []));
    const others = states.filter(({ state }) => state.kind !== 'ready');
    const isSettled = others.every(({ state }) => 'reason' in state);
    const wrong = others.flatMap(({ name, state }) => reasonsOf(name, state));
    if (this.#map.unserved > 0 && states.length > 0) {
      wrong.push(`${this.#map.unserved} of 16384 slots are served by no node`);
    }
    const unfit = others.find(({ state }) => 'unfit' in state && state.unfit === 'misconfigured');
    const wasReady = this.#state.kind === 'ready' || this.#state.kind === 'lost';
    const [first] = ready;
    if (first !== undefined && (wasReady || (isSettled && unfit === undefined))) {
      const server = `${first.server}, cluster of ${states.length}`;
      const missing = wrong.join('; ');
      this.#become({ kind: 'ready', server, ...(missing && { missing }) });
    } else if (first === undefined || unfit !== undefined) {
      const reason = wrong.join('; ') || this.#trouble;
      const kind = wasReady ? 'lost' : 'connecting';
      const found =
        unfit?.state ?? others.map(({ state }) => state).find((state) => 'unfit' in state);
      const why = found && 'unfit' in found && found.unfit ? { unfit: found.unfit } : {};
      if (reason !== '' || wasReady) this.#become({ kind, reason, ...why });
    }
  }

  #become(state: StoreState): void {
    if (this.#state.kind === 'closed') return;
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#options.onStateChange(state);
  }
}

function reasonsOf(name: PlaceName, state: StoreState): string[] {
  return 'reason' in state && state.reason !== undefined ? [`${name}: ${state.reason}`] : [];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
