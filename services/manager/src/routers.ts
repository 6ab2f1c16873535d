import type { RouterName } from '@mgm/protocol';
import type { Store } from '@mgm/store';

/** Revisions of more routers than this are not kept. */
const REVISIONS_MAX = 10_000;

/**
 * The routers in use, as far as this replica knows: those that are swept and get heads; and the last revision seen of each
 * router. Only replies of the store add routers, so requests with invented names cannot fill it.
 */
export class Routers {
  readonly #allowed: ReadonlySet<RouterName>;
  readonly #used = new Set<RouterName>();
  readonly #revisions = new Map<RouterName, number>();

  /** @param allowed the only routers to serve; empty means all */
  constructor(allowed: readonly RouterName[]) {
    this.#allowed = new Set(allowed);
  }

  /** Whether this manager serves the router. */
  serves(router: RouterName): boolean {
    return this.#allowed.size === 0 || this.#allowed.has(router);
  }

  /** Adds those of the listed routers that this manager serves. */
  add(routers: readonly RouterName[]): void {
    for (const router of routers) if (this.serves(router)) this.#used.add(router);
  }

  /** A sweep found that no session uses the router. */
  idle(router: RouterName): void {
    this.#used.delete(router);
    this.#revisions.delete(router);
  }

  /** Records the revision of a reply of the store. A router that has changed may be in use. */
  sawRevision(router: RouterName, revision: number): void {
    if (revision === 0 || this.#revisions.get(router) === revision) return;
    this.#used.add(router);
    this.#revisions.set(router, revision);
    if (this.#revisions.size <= REVISIONS_MAX) return;
    const [oldest] = this.#revisions.keys();
    if (oldest !== undefined) this.#revisions.delete(oldest);
  }

  /** For replies that the store did not decide; 0 where no revision was seen. */
  lastRevision(router: RouterName | undefined): number {
    return (router !== undefined && this.#revisions.get(router)) || 0;
  }

  names(): RouterName[] {
    return [...this.#used];
  }
}

/**
 * Reads the current revision of a router from the store, for refusals that the store does not decide: other replicas may have
 * advanced it. Reads once per router and turn of the event loop, so a flood of malformed messages costs the store less than as
 * many valid ones.
 */
export class RevisionReader {
  readonly #store: Pick<Store, 'head'>;
  readonly #routers: Routers;
  readonly #reading = new Map<RouterName, Promise<void>>();

  constructor(store: Pick<Store, 'head'>, routers: Routers) {
    this.#store = store;
    this.#routers = routers;
  }

  /** Resolves when the revision was read, or cannot be read: then the one seen last is used. Never rejects. */
  refresh(router: RouterName): Promise<void> {
    const reading = this.#reading.get(router) ?? this.#read(router);
    if (this.#reading.size === 0) setImmediate(() => this.#reading.clear());
    this.#reading.set(router, reading);
    return reading;
  }

  async #read(router: RouterName): Promise<void> {
    try {
      const { head } = await this.#store.head(router);
      this.#routers.sawRevision(router, head.rev);
    } catch {
      // The refusal names the fault of the request; an unreachable store is reported elsewhere.
    }
  }
}
