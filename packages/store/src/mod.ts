export { openStore } from './store.ts';
export type { Publication, Store, StoreOptions, SweepReport } from './store.ts';
export type { StoreState } from './redis-link.ts';
export { StoreError } from './store-error.ts';
export type { StoreErrorCode } from './store-error.ts';
