import { StoreError } from '../store-error.ts';
import { runOnce } from './client.ts';
import { Moved } from './errors.ts';
import { RedisLink, type Link, type LinkOptions, type StoreState } from './link.ts';
import { hostPortOf, nameOf, type NodeName, readClaims, SlotMap } from './slots.ts';
import type { RedisAddress, RedisCredentials } from './url.ts';

export type ClusterLinkOptions = LinkOptions & {
  readonly address: Extract<RedisAddress, { kind: 'cluster' }> & {
    readonly credentials?: RedisCredentials;
  };
};

const REFRESH_EVERY_MS = 250;
/** How many nodes to ask for their view of the cluster. */
const VIEWS_MAX = 5;
/** Nodes that redirect a call to each other do not agree yet. */
const REDIRECTS_MAX = 3;

/**
 * The way to a Redis Cluster: the slot map, and one connection to each node that serves slots. A call goes to the node of
 * its key and follows redirections; a failure of one node does not affect calls to others.
 */
export class ClusterLink implements Link {
  readonly #options: ClusterLinkOptions;
  readonly #links = new Map<NodeName, RedisLink>();
  readonly #leaving = new Set<RedisLink>();
  #map = new SlotMap([]);
  #state: StoreState = { kind: 'connecting' };
  #isRefreshing = false;
  #refreshTimer: NodeJS.Timeout | undefined;
  #failure = '';

  constructor(options: ClusterLinkOptions) {
    this.#options = options;
    void this.#refresh();
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
    clearTimeout(this.#refreshTimer);
    for (const link of [...this.#links.values(), ...this.#leaving]) link.close();
  }

  /** A node that redirects a call has not executed it, so it may be sent again to the other node. */
  async #onNodeOf<Reply>(key: string, call: (link: RedisLink) => Promise<Reply>): Promise<Reply> {
    let node = this.#map.ownerOf(key);
    for (let redirects = 0; ; redirects++) {
      const link = node === undefined ? undefined : this.#links.get(node);
      if (link === undefined) throw this.#unserved(node);
      try {
        return await call(link);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'unavailable') this.#refreshSoon();
        if (!(error instanceof Moved) || redirects === REDIRECTS_MAX) throw error;
        node = error.node;
      }
    }
  }

  #unserved(node: NodeName | undefined): StoreError {
    this.#refreshSoon();
    const { state } = this;
    const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : '';
    const what = node === undefined ? 'no node serves this router' : `${node} is not connected yet`;
    return new StoreError('unavailable', `Redis Cluster: ${what}${reason}`);
  }

  #refreshSoon(): void {
    if (this.#isRefreshing || this.#refreshTimer !== undefined || this.#state.kind === 'closed')
      return;
    this.#refreshTimer = setTimeout(() => void this.#refresh(), REFRESH_EVERY_MS / 10);
  }

  /** Asks nodes for the slot map, repeatedly until every slot is served by a connected node. */
  async #refresh(): Promise<void> {
    this.#refreshTimer = undefined;
    this.#isRefreshing = true;
    const views = await Promise.allSettled(this.#someNodes().map((name) => this.#viewOf(name)));
    this.#isRefreshing = false;
    if (this.#state.kind === 'closed') return;
    const claims = views.flatMap((view) => (view.status === 'fulfilled' ? view.value : []));
    const failed = views.find((view) => view.status === 'rejected');
    this.#failure = failed ? messageOf(failed.reason) : 'no node serves any slot';
    if (claims.length > 0) {
      this.#failure = '';
      this.#follow(new SlotMap(claims));
    }
    this.#report();
    if (this.#isComplete()) return;
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => void this.#refresh(), REFRESH_EVERY_MS);
  }

  #someNodes(): NodeName[] {
    const known = new Set([...this.#links.keys(), ...this.#options.address.nodes.map(nameOf)]);
    return [...known]
      .map((name) => ({ name, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, VIEWS_MAX)
      .map(({ name }) => name);
  }

  async #viewOf(name: NodeName) {
    const host = hostPortOf(name);
    const { address, replyWithinMs } = this.#options;
    const single = { ...address, ...host, kind: 'single', db: 0 } as const;
    const view = await runOnce(single, Math.max(1000, replyWithinMs), 'CLUSTER', 'NODES');
    return readClaims(String(view), host, address.tls);
  }

  #follow(map: SlotMap): void {
    this.#map = map;
    for (const name of map.masters) if (!this.#links.has(name)) this.#join(name);
    for (const [name, link] of this.#links) if (!map.masters.has(name)) this.#leave(name, link);
  }

  #join(name: NodeName): void {
    const { address, ...options } = this.#options;
    const link = new RedisLink({
      ...options,
      address: { ...address, ...hostPortOf(name), kind: 'single', db: 0 },
      onStateChange: ({ kind }) => {
        if (this.#links.get(name) !== link) return;
        if (kind !== 'ready') this.#refreshSoon();
        this.#report();
      },
    });
    this.#links.set(name, link);
  }

  /** Keeps the connection open until pending calls have their replies. */
  #leave(name: NodeName, link: RedisLink): void {
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

  /** Ready as soon as one node is ready and each other one is ready or has a known failure. */
  #report(): void {
    const states = [...this.#links].map(([name, link]) => ({ name, state: link.state }));
    const ready = states.flatMap(({ state }) => (state.kind === 'ready' ? [state] : []));
    const others = states.filter(({ state }) => state.kind !== 'ready');
    const isSettled = others.every(({ state }) => 'reason' in state);
    const failures = others.flatMap(({ name, state }) => reasonsOf(name, state));
    if (this.#map.unserved > 0 && states.length > 0) {
      failures.push(`${this.#map.unserved} of 16384 slots are served by no node`);
    }
    const unfit = others.find(({ state }) => 'unfit' in state && state.unfit === 'misconfigured');
    const wasReady = this.#state.kind === 'ready' || this.#state.kind === 'lost';
    const [first] = ready;
    if (first !== undefined && (wasReady || (isSettled && unfit === undefined))) {
      const server = `${first.server}, cluster of ${states.length}`;
      const missing = failures.join('; ');
      this.#become({ kind: 'ready', server, ...(missing && { missing }) });
    } else if (first === undefined || unfit !== undefined) {
      const reason = failures.join('; ') || this.#failure;
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

function reasonsOf(name: NodeName, state: StoreState): string[] {
  return 'reason' in state && state.reason !== undefined ? [`${name}: ${state.reason}`] : [];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
