import type { RouterName } from '@mgm/protocol';

/**
 * The routers that the store has state for, as far as this replica knows, and the last revision it saw of each. Grows
 * by what the store answers alone, so no request can fill it with names.
 */
export class KnownRouters {
  readonly #allowed: ReadonlySet<RouterName>;
  readonly #revisions = new Map<RouterName, number>();

  /** `allowed`: the only routers to serve; none means all. */
  constructor(allowed: readonly RouterName[]) {
    this.#allowed = new Set(allowed);
  }

  /** Whether this manager serves the router. */
  serves(router: RouterName): boolean {
    return this.#allowed.size === 0 || this.#allowed.has(router);
  }

  /** Routers that the store listed. Others' routers are left to those who serve them. */
  listed(routers: readonly RouterName[]): void {
    for (const router of routers) {
      if (this.serves(router) && !this.#revisions.has(router)) this.#revisions.set(router, 0);
    }
  }

  /** The store answered for this router with its present revision. */
  answered(router: RouterName, revision: number): void {
    if (revision > 0) this.#revisions.set(router, revision);
  }

  /** For answers that the store had no part in; 0 where none was seen. */
  lastRevision(router: RouterName | undefined): number {
    return (router !== undefined && this.#revisions.get(router)) || 0;
  }

  /** All of them, at this moment. */
  names(): RouterName[] {
    return [...this.#revisions.keys()];
  }
}
