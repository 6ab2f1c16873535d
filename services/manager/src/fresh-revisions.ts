import type { RouterName } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import type { KnownRouters } from './known-routers.ts';

/**
 * Makes what is known of a router's revision as new as the store's. A refusal, too, tells the revision, and other replicas
 * may have moved it on. Asked once per router and turn of the event loop, so a flood of messages that are wrong costs the
 * store less than as many right ones.
 */
export class FreshRevisions {
  readonly #store: Pick<Store, 'head'>;
  readonly #routers: KnownRouters;
  readonly #asked = new Map<RouterName, Promise<void>>();

  constructor(store: Pick<Store, 'head'>, routers: KnownRouters) {
    this.#store = store;
    this.#routers = routers;
  }

  /** Resolves when the store has told the revision, or cannot: then what was seen last has to do. Never rejects. */
  learn(router: RouterName): Promise<void> {
    const asked = this.#asked.get(router) ?? this.#ask(router);
    if (this.#asked.size === 0) setImmediate(() => this.#asked.clear());
    this.#asked.set(router, asked);
    return asked;
  }

  async #ask(router: RouterName): Promise<void> {
    try {
      const { head } = await this.#store.head(router);
      this.#routers.answered(router, head.rev);
    } catch {
      // The refusal says what is wrong with the request; that the store cannot be asked is told elsewhere.
    }
  }
}
