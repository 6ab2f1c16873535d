import type { Durability } from './durability.ts';
import type { StoreState } from './redis-link.ts';

export interface LinkOptions {
  /** As `parseRedisUrl` takes it. */
  readonly url: string;
  /** How long one call may take before its outcome counts as unknown, in ms. */
  readonly replyWithinMs: number;
  readonly durability: Durability;
  readonly onStateChange: (state: StoreState) => void;
}

/** The way to Redis, be it one server or many. Nothing is ever sent twice; every call ends in time. */
export interface Link {
  readonly state: StoreState;
  /** Runs the arbiter on one router; `mayGrow`: not where Redis is full. Rejects with `StoreError`. */
  runArbiter(metaKey: string, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]>;
  /** Runs one plain command; in a cluster, where the key is that is its first argument. Rejects with `StoreError`. */
  command(name: string, ...args: string[]): Promise<unknown>;
  close(): void;
}
