import type { RouterName } from '@mgm/protocol';
import type { Store } from '@mgm/store';

/** Revisions of more routers than this are not kept. */
const REVISIONS_MAX = 10_000;

/**
 * The routers in use, as far as this replica knows: those that get heads, and when each is to be swept; and the last revision
 * seen of each router. Only replies of the store add routers, so requests with invented names cannot fill it.
 *
 * A router is due when it is new here, when a request through this replica has changed it since its last sweep, and when its
 * next lease ends. Heads report the latter of all routers, so the changes of a replica that crashed are not forgotten.
 */
export class Routers {
  readonly #allowed: ReadonlySet<RouterName>;
  /** When the next sweep of each router is due, on the monotonic clock. */
  readonly #dueMono = new Map<RouterName, number>();
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
    for (const router of routers) {
      if (this.serves(router) && !this.#dueMono.has(router)) this.#dueMono.set(router, -Infinity);
    }
  }

  /** A sweep found that no session uses the router. */
  idle(router: RouterName): void {
    this.#dueMono.delete(router);
    this.#revisions.delete(router);
  }

  /** Records the revision of a reply of the store. A router that has changed may be in use, and is to be swept. */
  sawRevision(router: RouterName, revision: number): void {
    if (this.#noteRevision(router, revision)) this.#dueMono.set(router, -Infinity);
  }

  /** Records a head: what other replicas have changed, and when a sweep is due because of it. */
  sawHead(router: RouterName, revision: number, dueInMs: number | undefined): void {
    this.#noteRevision(router, revision);
    this.sweepWithin(router, dueInMs);
  }

  /** For replies that the store did not decide; 0 where no revision was seen. */
  lastRevision(router: RouterName | undefined): number {
    return (router !== undefined && this.#revisions.get(router)) || 0;
  }

  names(): RouterName[] {
    return [...this.#dueMono.keys()];
  }

  /** The routers that are to be swept now. */
  due(): RouterName[] {
    const nowMono = performance.now();
    return [...this.#dueMono].flatMap(([router, dueMono]) => (dueMono <= nowMono ? [router] : []));
  }

  /** A sweep begins: what becomes due from here on is for the next one. */
  sweepBegins(router: RouterName): void {
    if (this.#dueMono.has(router)) this.#dueMono.set(router, Infinity);
  }

  /** The router is to be swept within this time, in ms, or earlier if that is known; undefined: not because of this reply. */
  sweepWithin(router: RouterName, dueInMs: number | undefined): void {
    const known = this.#dueMono.get(router);
    if (known === undefined || dueInMs === undefined) return;
    this.#dueMono.set(router, Math.min(known, performance.now() + dueInMs));
  }

  /** Returns whether the revision is another one than before. */
  #noteRevision(router: RouterName, revision: number): boolean {
    if (revision === 0 || this.#revisions.get(router) === revision) return false;
    this.#revisions.set(router, revision);
    if (this.#revisions.size <= REVISIONS_MAX) return true;
    const [oldest] = this.#revisions.keys();
    if (oldest !== undefined) this.#revisions.delete(oldest);
    return true;
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
