import type { RunningServer, ServersChoice, TcpProxy } from '@mgm/devstack';
import type { Fault } from '../faults/fault.ts';

/** What the store promises in a run; the checkers hold it to that. */
export type Durability = 'memory' | 'durable' | 'replicated';

/** A way from one process to another that can be made to fail. */
export interface Link {
  /** As `pim-1 to nats-2`. */
  readonly name: string;
  readonly kind: 'worker-nats' | 'manager-nats' | 'manager-redis';
  readonly proxy: TcpProxy;
}

/** A server with the name that it has in reports. */
export interface Named {
  readonly name: string;
  readonly server: RunningServer;
}

/** Servers that run, and no manager or worker yet. */
export interface Servers extends AsyncDisposable {
  /** Servers and versions, for people. */
  readonly about: string;
  readonly durability: Durability;
  /** Routers for the run, one in each part of the store that has several. */
  readonly routers: readonly string[];
  readonly nats: readonly Named[];
  /** Those that hold data. */
  readonly redis: readonly Named[];
  /** Others that the store consists of. */
  readonly others: readonly Named[];
  /** Settings of managers besides the addresses of the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** `MGM_REDIS_URL` for a manager of this name, and the ways it names. */
  redisFor(name: string): Promise<{ readonly url: string; readonly links: readonly Link[] }>;
  /** Those of `redis` that take writes now. */
  primaries(): Promise<readonly Named[]>;
  /** Rejects while a server misses another. */
  whole(): Promise<void>;
  /** Faults that only this topology has. */
  readonly faults: readonly Fault[];
  /** Why it has not some of those that others have, by their names. */
  readonly without: Readonly<Record<string, string>>;
  /** Moves the wall clock of the store to so many seconds from the true time; absent where it can't be moved. */
  readonly moveClock?: (offsetS: number) => Promise<void>;
}

export interface ServersOptions {
  readonly choice: ServersChoice;
  readonly durability: Durability | undefined;
  readonly say: (line: string) => void;
}
