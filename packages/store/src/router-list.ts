import { isRouterName, type RouterName } from '@mgm/protocol';
import { idleKey, routersKey } from './keys.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';

export interface RouterListOptions {
  readonly keyPrefix: string;
  /** Routers that the store may have, in use or idle. */
  readonly routersMax: number;
  /** How long an idle router keeps its data, in ms. */
  readonly retentionMs: number;
  readonly command: (name: string, ...args: string[]) => Promise<unknown>;
  /** Deletes the data of a router that was idle for the retention time; else returns since when it is not, or `in-use`. */
  readonly purge: (router: RouterName) => Promise<PurgeOutcome>;
}

export type PurgeOutcome = 'purged' | 'in-use' | { readonly lastUsedAt: number };

/** Errors that may concern one shard of a cluster only. */
const OF_ONE_SHARD: ReadonlySet<StoreErrorCode> = new Set(['unavailable', 'indeterminate']);

/** Idle routers purged by one call, and at the same time. */
const PURGED_MAX = 5_000;
const PURGED_CONCURRENTLY = 64;

const FULL_RETRY_MS = 1000;

/**
 * The routers of a store, in two keys: those in use, which every manager sweeps, and those that are idle (no session, nothing
 * to release) with the instant at which they became so. Idle routers are not swept and lose their data after a retention time.
 *
 * In a cluster these keys and a router's own are in different slots, so no step covers both. A router may be listed although
 * it is idle: the next sweep corrects that. A router in use that is missing (two managers found it idle and used it at the
 * same time) is added again by every manager that used it, at the latest when it reads the list.
 */
export class RouterList {
  readonly #options: RouterListOptions;
  readonly #listing = new Map<RouterName, Promise<void>>();
  /** Routers that clients of this manager use. */
  readonly #used = new Set<RouterName>();
  /** Routers of the store, in use or idle, when the list was last read; and new ones listed here since. */
  #count = 0;
  #added = 0;

  constructor(options: RouterListOptions) {
    this.#options = options;
  }

  /**
   * Lists a router before its first session, so that all managers sweep it. If the list cannot be written although the
   * router can be served (its shard of the cluster is down), {@link names} writes it later. Rejects with `overloaded` if
   * the store has as many routers as it may have, by the count of the last reading of the list.
   */
  async list(router: RouterName): Promise<void> {
    const listing = this.#listing.get(router) ?? this.#add(router);
    this.#listing.set(router, listing);
    // Concurrent registrations wait too, or they would overtake the first.
    await listing;
    this.#used.add(router);
  }

  /** A client of this manager has a session on the router. */
  use(router: RouterName): void {
    this.#used.add(router);
  }

  /** The connection was lost: the list may be lost too, so registrations write it again. */
  distrust(): void {
    this.#listing.clear();
  }

  /** A sweep found the router idle at this instant of the store's clock; undefined for one without data. */
  async idle(router: RouterName, at: number | undefined): Promise<void> {
    const { keyPrefix, command } = this.#options;
    this.#used.delete(router);
    this.#listing.delete(router);
    if (at !== undefined) await command('ZADD', idleKey(keyPrefix), String(at), router);
    await command('SREM', routersKey(keyPrefix), router);
  }

  /** All routers in use. */
  async names(): Promise<RouterName[]> {
    const { keyPrefix, command } = this.#options;
    const key = routersKey(keyPrefix);
    const members = await command('SMEMBERS', key);
    const found = new Set(Array.isArray(members) ? members.map(String).filter(isRouterName) : []);
    const missing = [...this.#used].filter((router) => !found.has(router));
    if (missing.length > 0) await command('SADD', key, ...missing);
    this.#count = found.size + Number(await command('ZCARD', idleKey(keyPrefix)));
    this.#added = 0;
    return [...found, ...missing];
  }

  /** Deletes the data of routers that were idle for the retention time. */
  async purge(): Promise<void> {
    const { keyPrefix, retentionMs, command } = this.#options;
    const key = idleKey(keyPrefix);
    const oldest = await command('ZRANGE', key, '0', '0');
    if (!Array.isArray(oldest) || oldest.length === 0) return;
    const before = String((await this.#storeClock()) - retentionMs);
    const due = await command(
      'ZRANGEBYSCORE',
      key,
      '-inf',
      before,
      'LIMIT',
      '0',
      String(PURGED_MAX),
    );
    const routers = Array.isArray(due) ? due.map(String).filter(isRouterName) : [];
    for (let first = 0; first < routers.length; first += PURGED_CONCURRENTLY) {
      const some = routers.slice(first, first + PURGED_CONCURRENTLY);
      await Promise.all(some.map((router) => this.#purgeOne(key, router)));
    }
  }

  async #purgeOne(key: string, router: RouterName): Promise<void> {
    const { command, purge } = this.#options;
    const outcome = await purge(router);
    if (typeof outcome === 'object') {
      await command('ZADD', key, String(outcome.lastUsedAt), router);
    } else {
      await command('ZREM', key, router);
    }
  }

  async #add(router: RouterName): Promise<void> {
    const { keyPrefix, routersMax, command } = this.#options;
    try {
      const added = await command('SADD', routersKey(keyPrefix), router);
      if (added !== 1 || !(await this.#exceedsMax(router))) return;
      await command('SREM', routersKey(keyPrefix), router);
    } catch (error) {
      if (error instanceof StoreError && OF_ONE_SHARD.has(error.code)) return;
      this.#listing.delete(router);
      throw error;
    }
    this.#listing.delete(router);
    throw new StoreError('overloaded', `the store has ${routersMax} routers, as many as it may`, {
      retryAfterMs: FULL_RETRY_MS,
    });
  }

  /** Whether a router just listed is new and one too many. */
  async #exceedsMax(router: RouterName): Promise<boolean> {
    const { keyPrefix, routersMax, command } = this.#options;
    const wasIdle = await command('ZREM', idleKey(keyPrefix), router);
    if (wasIdle === 1) return false;
    if (this.#count + this.#added >= routersMax) return true;
    this.#added++;
    return false;
  }

  async #storeClock(): Promise<number> {
    const time = await this.#options.command('TIME');
    const [seconds = 0, micros = 0] = Array.isArray(time) ? time.map(Number) : [];
    return seconds * 1000 + Math.floor(micros / 1000);
  }
}
