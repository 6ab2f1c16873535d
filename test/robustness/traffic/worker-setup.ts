import { z } from 'zod';

/** The settings of a worker of the traffic. */
export const workerSetup = z.object({
  kind: z.enum(['library', 'raw', 'agent', 'forwarder']),
  /** The URLs of the proxies before NATS. */
  servers: z.array(z.string()),
  router: z.string(),
  /** Unique in the run, also among the successive processes of one worker. */
  name: z.string(),
  historyPath: z.string(),
  protocolId: z.number(),
  componentId: z.number(),
  ttlMs: z.number(),
  graceMs: z.number(),
  /** Whether it takes over the session of its predecessor, which is known to have ended. */
  takeover: z.boolean(),
  seed: z.number(),
  /** The interfaces it contends for. */
  interfaces: z.array(z.number()),
  /** Whether it adds and deletes memberships. */
  memberships: z.boolean(),
  /** Whether it sets and deletes routes. */
  routes: z.boolean(),
  /** The mean pause between two calls. */
  pauseMs: z.number(),
});
export type WorkerSetup = z.infer<typeof workerSetup>;

/**
 * An order of the run. A worker confirms `rest` with `resting` when no call is pending, acts again after `act`, and ends after
 * `leave`. Between `deafen` and `listen` it handles no callback.
 */
export const order = z.enum(['rest', 'act', 'leave', 'deafen', 'listen']);
export type Order = z.infer<typeof order>;
export const RESTING = 'resting';

/** A worker on one kind of client. */
export interface Worker {
  /** Whether it has a session, by its own clock. */
  readonly isRegistered: boolean;
  /** Tries to register, once. `takeover`: also takes over a live session of the pair. */
  register(takeover: boolean): Promise<void>;
  /** Makes one random call. */
  act(): Promise<void>;
  /** Finishes what its state needs before it rests. */
  settle?(): Promise<void>;
  /** Renews its lease, and neither calls nor handles callbacks, while `isDeaf`. Absent: it does not receive alerts. */
  deafen?(isDeaf: boolean): void;
  /** Releases everything and ends. */
  leave(): Promise<void>;
}
