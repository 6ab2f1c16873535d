import type { DevstackError } from './errors.ts';

/** The source of servers: given by URL, containers of a Docker engine, or processes of this machine. */
export type ServerSource = 'urls' | 'docker' | 'process';

/** A Docker engine that answered, and how `testcontainers` reaches it. */
export interface DockerEngine {
  readonly version: string;
  /** As in `DOCKER_HOST`; absent if `testcontainers` finds the engine by itself. */
  readonly dockerHost?: string;
  /** The address of published ports, if `testcontainers` would guess it wrongly. */
  readonly hostOverride?: string;
  /** Whether the image that removes the containers of a killed run is available. */
  readonly ryuk: boolean;
}

/** How one server will be started. Plain data, so that a test runner can pass it to its workers. */
export type ServerPlan =
  | { readonly kind: 'given'; readonly url: string }
  | { readonly kind: 'docker'; readonly image: string; readonly engine: DockerEngine }
  | { readonly kind: 'process'; readonly command: string; readonly version: string };

/** The plans of a source with one line about them, or why it is unusable. */
export type SourcePlan =
  | {
      readonly kind: 'usable';
      readonly redis: ServerPlan;
      readonly nats: ServerPlan;
      readonly what: string;
    }
  | { readonly kind: 'unusable'; readonly why: string };

/** How long work such as fetching packages or pulling images reports its progress and is cancelled. */
export interface WorkOptions {
  /** Gets one line at a time. */
  readonly onProgress?: (line: string) => void;
  /** Cancels the work, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The outcome of `chooseServers`. Plain data, so that a test runner can pass it to its workers. */
export interface ServersChoice {
  /** `urls` if both servers were given, otherwise the source of the others. */
  readonly source: ServerSource;
  /** One line for people: what was chosen, in which versions, and why not the preferred source. */
  readonly reason: string;
  readonly redis: ServerPlan;
  readonly nats: ServerPlan;
}

/**
 * A running server. `await using server = await startRedis(choice)` ends it with the block.
 *
 * Servers of `docker` and `process` also end when this process ends for any reason. A server given by URL is never touched:
 * `kill`, `start`, `pause` and `resume` reject with {@link DevstackError} `not-ours`, `stop` does nothing.
 */
export interface RunningServer extends AsyncDisposable {
  /** `redis://host:port` or `nats://host:port`; the same after `kill` and `start`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly source: ServerSource;
  /** The address for other servers of the same choice, such as replicas; may change with `start` in containers. */
  readonly peer: { readonly host: string; readonly port: number };
  /** The process id while it runs as a process of this machine. */
  readonly pid?: number | undefined;
  /** Ends it by SIGKILL, like a crash. Resolves when it has ended; does nothing if it is not running. */
  kill(): Promise<void>;
  /** Starts it again after `kill` with the same port, folder and options. Does nothing if it is running. */
  start(): Promise<void>;
  /** Suspends it until `resume`: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes its data, except a `dataDir` of the caller. May be called in any state, repeatedly. */
  stop(): Promise<void>;
  /** Its output over all starts, at least the last 256 KiB. */
  logs(): Promise<string>;
}
