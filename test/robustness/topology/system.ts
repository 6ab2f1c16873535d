import type { RunningServer, ServersChoice, TcpProxy } from '@mgm/devstack';
import type { Fault } from '../faults/fault.ts';

/** The promise of the store in a run, which the checks rely on. */
export type Durability = 'memory' | 'durable' | 'replicated';

/** A connection between two processes that faults can break. */
export interface Link {
  /** For example `pim-1 to nats-2`. */
  readonly name: string;
  readonly kind: 'worker-nats' | 'manager-nats' | 'manager-redis';
  readonly proxy: TcpProxy;
}

/** A server with its name in reports. */
export interface Named {
  readonly name: string;
  readonly server: RunningServer;
}

/** The running servers of a topology, without managers or workers. */
export interface Servers extends AsyncDisposable {
  /** Servers and versions, for the report. */
  readonly about: string;
  readonly durability: Durability;
  /** The routers of the run, one in each shard of the store. */
  readonly routers: readonly string[];
  readonly nats: readonly Named[];
  /** The servers that hold data. */
  readonly redis: readonly Named[];
  /** The other servers of the store. */
  readonly others: readonly Named[];
  /** Settings of managers in addition to the addresses of the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** `MGM_REDIS_URL` for a manager of this name, and its links. */
  redisFor(name: string): Promise<{ readonly url: string; readonly links: readonly Link[] }>;
  /** The servers of `redis` that accept writes at present. */
  primaries(): Promise<readonly Named[]>;
  /** Rejects while a server does not see all others. */
  whole(): Promise<void>;
  /** Faults of this topology only. */
  readonly faults: readonly Fault[];
  /** Faults that this topology lacks, by their names, and why. */
  readonly without: Readonly<Record<string, string>>;
  /** Sets the offset of the store's wall clock from the true time, in seconds; absent when it cannot be moved. */
  readonly moveClock?: (offsetS: number) => Promise<void>;
}

export interface ServersOptions {
  readonly choice: ServersChoice;
  readonly durability: Durability | undefined;
  readonly say: (line: string) => void;
}
