import { connect, type ConnectOptions, type Mgm } from '@mgm/client';

/** A client for each router that was looked at; further routers are refused, because each holds a connection. */
const ROUTERS_MAX = 64;

/** More routers than the console has connections for. */
export class TooManyRouters extends Error {}

/** The clients of the routers that browsers look at, connected when first used. Disposing closes them. */
export class Routers implements AsyncDisposable {
  readonly #options: Omit<ConnectOptions, 'router'>;
  readonly #clients = new Map<string, Promise<Mgm>>();

  constructor(options: Omit<ConnectOptions, 'router'>) {
    this.#options = options;
  }

  /** The client of a router. Rejects with `MgmError`; the next call tries again. */
  async client(router: string): Promise<Mgm> {
    const known = this.#clients.get(router);
    if (known) return await known;
    if (this.#clients.size >= ROUTERS_MAX)
      throw new TooManyRouters(`more than ${ROUTERS_MAX} routers`);
    const connecting = connect({ ...this.#options, router });
    this.#clients.set(router, connecting);
    connecting.catch(() => this.#clients.delete(router));
    return await connecting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const clients = await Promise.allSettled(this.#clients.values());
    await Promise.all(
      clients.map(async (one) => one.status === 'fulfilled' && (await one.value.close())),
    );
  }
}
