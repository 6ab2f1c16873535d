import { z } from 'zod';

/** The settings of a worker process. */
export const workerSetup = z.object({
  /** `host:port` of NATS, or of a proxy before it. */
  servers: z.string(),
  user: z.string().optional(),
  pass: z.string().optional(),
  prefix: z.string(),
  router: z.string(),
  protocolId: z.number(),
  componentId: z.number(),
  name: z.string(),
  ttlMs: z.number(),
  graceMs: z.number().default(0),
  /** The option of the client library, with the same default. */
  reregister: z.union([z.boolean(), z.literal('service-loss')]).optional(),
  /** Interfaces without next hop, taken at the start. */
  interfaces: z.array(z.number()),
  /** How often it acts for each interface that it owns; 0: never. */
  actEveryMs: z.number().default(0),
});
export type WorkerSetup = z.input<typeof workerSetup>;

/** A command from the test to a worker. */
export const command = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('take'), ifIndex: z.number() }),
  z.object({ kind: z.literal('release'), ifIndex: z.number() }),
  /** Stops itself with SIGSTOP after a flush: any message seen later was sent later. */
  z.object({ kind: z.literal('stop') }),
  /** Blocks its only thread until it reads a byte from its standard input. */
  z.object({ kind: z.literal('hang') }),
  /** Flushes the connection to NATS, then notes `flushed`. */
  z.object({ kind: z.literal('flush') }),
]);
export type Command = z.infer<typeof command>;

const held = z.object({ ifIndex: z.number(), epoch: z.string() });

const noted = z.discriminatedUnion('kind', [
  /** It is registered and owns its interfaces. */
  z.object({
    kind: z.literal('holding'),
    session: z.number(),
    resumed: z.boolean(),
    held: z.array(held),
  }),
  /** It published a message. */
  z.object({ kind: z.literal('sent'), subject: z.string() }),
  /** The signal of an ownership fired. */
  z.object({ kind: z.literal('aborted'), ...held.shape }),
  z.object({ kind: z.literal('lost'), cause: z.string() }),
  z.object({
    kind: z.literal('recovered'),
    session: z.number(),
    regained: z.array(held),
    missing: z.array(
      z.object({ ifIndex: z.number(), reason: z.string(), holder: z.string().optional() }),
    ),
  }),
  z.object({ kind: z.literal('ended') }),
  z.object({ kind: z.literal('took'), ...held.shape }),
  z.object({ kind: z.literal('released'), ifIndex: z.number() }),
  z.object({ kind: z.literal('refused'), operation: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('stopping') }),
  z.object({ kind: z.literal('flushed') }),
]);
export type Noted = z.infer<typeof noted>;

/** A note of a worker, in order, with the time of {@link machineMonoMs}. */
export const note = noted.and(z.object({ mono: z.number() }));
export type Note = z.infer<typeof note>;

/** Milliseconds on the machine's monotonic clock: unlike `performance.now()`, comparable between processes. */
export function machineMonoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The subject on which workers act for their interfaces. */
export function actSubject(router: string): string {
  return `acts.${router}`;
}
