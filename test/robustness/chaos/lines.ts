import { connect, type Mgm } from '@mgm/client';
import type { TcpProxy } from '@mgm/devstack';
import { linkTo } from '@mgm/test-support';
import type { World } from '../../faults/own-servers.ts';

/** The router of a run. */
export const ROUTER = 'chaos';

/** Clients, each behind a proxy of its own, that end with the run. */
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
    const { proxy, url } = this.#scope.use(await linkTo(this.#world.servers.nats));
    this.proxies.push(proxy);
    return this.#scope.use(await connect({ servers: url, router: ROUTER }));
  }

  /** A client without a proxy. */
  async direct(): Promise<Mgm> {
    const { url } = this.#world.servers.nats;
    return this.#scope.use(await connect({ servers: url, router: ROUTER }));
  }
}
