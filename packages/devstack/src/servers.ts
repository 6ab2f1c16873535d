import type { DevstackError } from './errors.ts';

/** Where servers come from: given by URL, containers of a Docker engine, or processes of this machine. */
export type ServerSource = 'urls' | 'docker' | 'process';

/** A Docker engine that answered, and how `testcontainers` must be told to talk to it. */
export interface DockerEngine {
  readonly version: string;
  /** As in `DOCKER_HOST`; absent when `testcontainers` finds the engine by itself. */
  readonly dockerHost?: string;
  /** Address of published ports, where `testcontainers` would guess it wrongly. */
  readonly hostOverride?: string;
  /** Whether the image exists that removes the containers of a killed run. */
  readonly ryuk: boolean;
}

/** How one server will be had. Plain data, so that a test runner can hand it to its workers. */
export type ServerPlan =
  | { readonly kind: 'given'; readonly url: string }
  | { readonly kind: 'docker'; readonly image: string; readonly engine: DockerEngine }
  | { readonly kind: 'process'; readonly command: string; readonly version: string };

/** The outcome of `chooseServers`. Plain data, so that a test runner can hand it to its workers. */
export interface ServersChoice {
  /** `urls` when both servers were given, otherwise where those that were not come from. */
  readonly source: ServerSource;
  /** One line for people: what was chosen, in which versions, and why not the source preferred. */
  readonly reason: string;
  readonly redis: ServerPlan;
  readonly nats: ServerPlan;
}

/**
 * A server that answers. `await using server = await startRedis(choice)` ends it with the block.
 *
 * Servers of ours (`docker`, `process`) also end when this process ends, however it does. A given one is never
 * touched: `kill`, `start`, `pause`, `resume` are refused with {@link DevstackError} `not-ours`, `stop` does nothing.
 */
export interface RunningServer extends AsyncDisposable {
  /** `redis://host:port` or `nats://host:port`; the same after `kill` and `start`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly source: ServerSource;
  /** Where other servers of the same choice reach this one, as a replica does; may change with `start` in containers. */
  readonly peer: { readonly host: string; readonly port: number };
  /** The process id, while it runs as a process of this machine. */
  readonly pid?: number | undefined;
  /** Ends it by SIGKILL, as a crash would. Resolves when it is gone; does nothing if it is already. */
  kill(): Promise<void>;
  /** Starts it again after `kill` with the same port, folder and options. Does nothing while it runs. */
  start(): Promise<void>;
  /** Stops its clock: connections stay open, nothing is answered, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes what it stored, except a `dataDir` of the caller's. May be called in any state, repeatedly. */
  stop(): Promise<void>;
  /** Its output, over all its starts; the last 256 KiB at least. */
  logs(): Promise<string>;
}
