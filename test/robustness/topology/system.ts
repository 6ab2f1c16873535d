import type { RunningServer, ServersChoice, TcpProxy } from '@mgm/devstack';
import type { Redis } from 'ioredis';

/** What the store promises in a run; the checkers hold it to that. */
export type Durability = 'memory' | 'durable' | 'replicated';

/** A way from one process to another that can be made to fail. */
export interface Link {
  /** As `pim-1 to nats-2`. */
  readonly name: string;
  readonly kind: 'worker-nats' | 'manager-nats' | 'manager-redis' | 'replica' | 'nats-nats';
  readonly proxy: TcpProxy;
}

/** A server with the name that it has in reports. */
export interface Named {
  readonly name: string;
  readonly server: RunningServer;
}

/** Servers that run, with a proxy on each way to them, and no manager or worker yet. */
export interface Servers extends AsyncDisposable {
  /** Servers and versions, for people. */
  readonly about: string;
  readonly durability: Durability;
  readonly nats: readonly Named[];
  readonly redis: readonly Named[];
  /** Ways between the servers themselves. */
  readonly links: readonly Link[];
  /** Settings of managers besides the addresses of the servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Addresses of NATS, each by a proxy of its own, for a worker or a manager of this name. */
  natsFor(name: string, kind: 'worker-nats' | 'manager-nats'): Promise<readonly Link[]>;
  /** `MGM_REDIS_URL` for a manager of this name, and the ways it names. */
  redisFor(name: string): Promise<{ readonly url: string; readonly links: readonly Link[] }>;
  /** Calls with a connection to each Redis that takes writes now. */
  onPrimaries(task: (redis: Redis, name: string) => Promise<void>): Promise<void>;
  /** Moves the wall clock of the store to so many seconds from the true time; absent where it can't be moved. */
  readonly moveClock?: (offsetS: number) => Promise<void>;
}

export interface ServersOptions {
  readonly choice: ServersChoice;
  readonly durability: Durability | undefined;
  readonly say: (line: string) => void;
}
