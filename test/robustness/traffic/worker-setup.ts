import { z } from 'zod';

/** How a worker of the traffic is to be, and where it writes its history. */
export const workerSetup = z.object({
  kind: z.enum(['library', 'raw']),
  /** `nats://host:port`, or several of them, of proxies before NATS. */
  servers: z.array(z.string()),
  router: z.string(),
  /** Unique in the run, also among the processes that follow each other as one worker. */
  name: z.string(),
  historyPath: z.string(),
  protocolId: z.number(),
  componentId: z.number(),
  ttlMs: z.number(),
  graceMs: z.number(),
  /** Its predecessor is known to be gone: inherits what that had. */
  takeover: z.boolean(),
  seed: z.number(),
  /** The interfaces it cares about. */
  interfaces: z.array(z.number()),
  /** How long it waits between two calls, on average. */
  pauseMs: z.number(),
});
export type WorkerSetup = z.infer<typeof workerSetup>;

/** What the run tells a worker: `rest` is answered by `resting` when nothing is under way, after `leave` it ends. */
export const order = z.enum(['rest', 'leave']);
export type Order = z.infer<typeof order>;
export const RESTING = 'resting';

/** A worker on one kind of client. */
export interface Worker {
  /** Whether it has a session, by its own clock. */
  readonly isRegistered: boolean;
  /** Tries to get one, once. `takeover`: also from a session of the pair that still lives. */
  register(takeover: boolean): Promise<void>;
  /** Does one thing, drawn by chance. */
  act(): Promise<void>;
  /** Gives everything back and ends. */
  leave(): Promise<void>;
}
