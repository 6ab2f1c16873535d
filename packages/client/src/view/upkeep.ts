import type { Prefix } from '@mgm/protocol';
import { isMgmError, type MgmError } from '../errors.ts';
import { Parking } from '../membership/parking.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import { listPatiently } from '../rpc/pages.ts';
import type { Registration } from '../session/registration.ts';
import type { RouteOperation, RouteRecord, RouteResult } from './items.ts';
import { routePages, type ListedRoute } from './listings.ts';
import { prefixText, type Route } from './refs.ts';

/** All calls wait for the same. */
const ANY = '';

/** The largest page of the wire contract. */
const PAGE_ITEMS = 1_000;

/**
 * Keeps the routes of a session across its registrations. From the loss of a session until its routes on record are set
 * again, or deleted where they are not on record, calls wait; after that they are sent.
 */
export class RouteUpkeep {
  readonly record: RouteRecord = new Map();
  readonly #context: Context;
  readonly #parking: Parking;
  #isRestoring = false;

  constructor(context: Context) {
    this.#context = context;
    this.#parking = new Parking(context);
  }

  /** Changes routes, now or after the recovery. Rejects with {@link MgmError}. */
  change(
    current: () => Registration,
    operation: RouteOperation,
    targets: readonly (Prefix | Route)[],
    options: CallOptions,
  ): Promise<RouteResult[]> {
    const begin = async (limits: CallOptions): Promise<RouteResult[]> =>
      await current().routes.change(operation, targets, limits);
    if (!this.#isRestoring) return begin(options);
    return this.#parking.park(ANY, { operation, router: this.#context.router }, options, begin);
  }

  /** The session was lost and is being recovered. */
  lost(): void {
    this.#isRestoring = true;
  }

  /** The session is over. */
  end(error: MgmError): void {
    this.#isRestoring = false;
    this.#parking.fail(error);
  }

  /** Sets again what a recovered session had. */
  async restore(registration: Registration): Promise<void> {
    const { signal } = registration;
    const list = () => this.#list(registration, { signal });
    const present = registration.resumed
      ? await listPatiently(this.#context, list, 'routes not listed', signal)
      : undefined;
    if (registration.over()) return;
    const restoring = registration.routes.restore(present ?? []);
    this.#isRestoring = false;
    this.#parking.release();
    await restoring;
  }

  /** The record starts as what a resumed session has. Rejects with {@link MgmError}. */
  async adopt(registration: Registration, options: CallOptions): Promise<void> {
    if (!registration.hasMemberships) return;
    for (const { session, best, ...route } of await this.#list(registration, options)) {
      this.record.set(prefixText(route), route);
    }
  }

  /** The routes of the session at the store; none if its manager has no multicast view, or NATS does not let it list them. */
  async #list({ session }: Registration, options: CallOptions): Promise<ListedRoute[]> {
    try {
      const pages = routePages(this.#context, { ...options, session, limit: PAGE_ITEMS });
      return (await Array.fromAsync(pages)).flat();
    } catch (error) {
      const isMissing = isMgmError(error, 'not-supported') || isMgmError(error, 'not-permitted');
      if (!isMissing) throw error;
      const { router, logger } = this.#context;
      logger.debug({ router, message: error.message }, 'routes not listed');
      return [];
    }
  }
}
