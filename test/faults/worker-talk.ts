import { z } from 'zod';

/** How a worker process is to be. */
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
  /** As in the client library, whose default it has. */
  reregister: z.union([z.boolean(), z.literal('service-loss')]).optional(),
  /** Taken at the start, without next hop. */
  interfaces: z.array(z.number()),
  /** How often it acts for each interface that it owns; 0: never. */
  actEveryMs: z.number().default(0),
});
export type WorkerSetup = z.input<typeof workerSetup>;

/** What a test tells a worker to do. */
export const command = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('take'), ifIndex: z.number() }),
  z.object({ kind: z.literal('release'), ifIndex: z.number() }),
  /** Stops itself by SIGSTOP once NATS has everything that it sent: what is seen later was sent later. */
  z.object({ kind: z.literal('stop') }),
  /** Blocks its only thread until a byte comes in on its standard input. */
  z.object({ kind: z.literal('hang') }),
  /** Answered by `flushed` when NATS has everything that it sent. */
  z.object({ kind: z.literal('flush') }),
]);
export type Command = z.infer<typeof command>;

const held = z.object({ ifIndex: z.number(), epoch: z.string() });

const noted = z.discriminatedUnion('kind', [
  /** It is registered and owns what it was to take. */
  z.object({
    kind: z.literal('holding'),
    session: z.number(),
    resumed: z.boolean(),
    held: z.array(held),
  }),
  /** It handed a message to NATS. */
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

/** What a worker tells, in the order in which it happened, by the clock of {@link machineMonoMs}. */
export const note = noted.and(z.object({ mono: z.number() }));
export type Note = z.infer<typeof note>;

/** Milliseconds on the machine's monotonic clock: unlike `performance.now()`, comparable between processes. */
export function machineMonoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Where workers act for the interfaces that they own. */
export function actSubject(router: string): string {
  return `acts.${router}`;
}
