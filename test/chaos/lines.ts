import { connect, type Mgm } from '@mgm/client';
import { startTcpProxy, type TcpProxy } from '@mgm/devstack';
import { behind } from '../faults/nats-access.ts';
import type { World } from '../faults/own-servers.ts';

/** The router that a run is about. */
export const ROUTER = 'chaos';

/** Clients that are reached through proxies, one each, and end with the run. */
export class Lines {
  readonly proxies: TcpProxy[] = [];
  readonly #world: World;
  readonly #scope: AsyncDisposableStack;

  constructor(world: World, scope: AsyncDisposableStack) {
    this.#world = world;
    this.#scope = scope;
  }

  /** A client over a proxy of its own. */
  async faulty(): Promise<Mgm> {
    const { nats } = this.#world.servers;
    const proxy = this.#scope.use(await startTcpProxy({ host: nats.host, port: nats.port }));
    this.proxies.push(proxy);
    return this.#scope.use(await connect({ servers: behind(proxy, nats.url), router: ROUTER }));
  }

  /** A client that nothing happens to. */
  async direct(): Promise<Mgm> {
    const { url } = this.#world.servers.nats;
    return this.#scope.use(await connect({ servers: url, router: ROUTER }));
  }
}
