export { openStore } from './store.ts';
export type { Publication, Store, StoreMeter, StoreOptions, SweepReport } from './store.ts';
export type { StoreState } from './redis-link.ts';
export { StoreError } from './store-error.ts';
export type { StoreErrorCode } from './store-error.ts';
export { promiseOf } from './durability.ts';
export type { Durability, DurabilityMode } from './durability.ts';
export type { Unfitness } from './server-check.ts';
export { parseRedisUrl, REDIS_URL_FORMS } from './redis-url.ts';
