import type { NatsConnection } from '@mgm/nats';
import { RawRouter } from '../support/raw-client.ts';
import { ok } from '../support/raw-replies.ts';
import type { StoredForwarding, StoredRoute } from './check/evidence.ts';
import { forwardingOf, type LoggedForwarding, loggedOf } from './traffic/history.ts';

/** Above the number of entries and routes of a run, so that a listing is one page: one state. */
const PAGE = 1_000;

/** Reads the forwarding entries of one router, and their log as it grows, on the wire contract alone. */
export class ForwardingReader {
  readonly #router: RawRouter;
  #log: string | undefined;
  #messages: LoggedForwarding[] = [];

  constructor(nats: NatsConnection, router: string) {
    this.#router = new RawRouter(nats, router);
  }

  /** The listing, and the log up to now. They belong together only while nothing changes. */
  async read(): Promise<StoredForwarding> {
    const { items, frev, log } = ok(await this.#router.request('mfe.list', { limit: PAGE }));
    const routes = ok(await this.#router.request('rib.list', { limit: PAGE })).items.map(routeOf);
    if (log !== this.#log) [this.#log, this.#messages] = [log, []];
    await this.#readOn();
    const entries = items.map(forwardingOf);
    return { log, frev, messages: this.#messages, entries, routes };
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const from = this.#messages.at(-1)?.last ?? 0;
      const { changes } = ok(await this.#router.request('fib', { from }));
      this.#messages.push(...changes.map(loggedOf));
      if (changes.length === 0) return;
    }
  }
}

/** `[network, length, ifIndex, nextHop, neighbour, protocolId, preference, session, best]`. */
function routeOf(item: readonly unknown[]): StoredRoute {
  const [network, length, ifIndex, nextHop] = item as [string, number, number, string];
  return { network, length, ifIndex, nextHop, best: item[8] === true };
}
