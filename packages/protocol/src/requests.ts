import { z } from 'zod';
import { isEpoch, type Handle, type InterfaceKey, type NextHop } from './ids.ts';
import { parseNextHop } from './next-hop.ts';
import { Limits, type OperationName } from './operations.ts';
import { readPlainly } from './plain-requests.ts';

/**
 * What a request must look like, one schema per operation of wire contract section 3. Reading one gives the request in
 * canonical form: defaults filled in, next hops in RFC 5952 text, single and bulk targets in one list. Unknown fields are
 * dropped, wrong ones refused by name, nothing is clamped.
 */
const u32 = z.int().min(0).max(0xffffffff);
const counter = z.int().min(0);
const positive = z.int().min(1);
const ifIndex = z.int().min(1).max(0xffffffff);
const text = z.string().max(Limits.text);
const reasonText = z.string().min(1).max(Limits.text);

const handle = z
  .string()
  .refine((value): value is Handle => Buffer.byteLength(value) <= Limits.handleBytes, {
    error: `must be at most ${Limits.handleBytes} bytes`,
  });

const epoch = z
  .string()
  .refine(isEpoch, { error: 'must be a decimal string, as `take` answered it' });

const nextHop = z
  .unknown()
  .optional()
  .transform((value, context): NextHop => {
    const parsed = parseNextHop(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({
      code: 'custom',
      message: 'must be an IPv4 or IPv6 address as text, a u32, or absent',
    });
    return z.NEVER;
  });

const common = { deadlineMs: u32.optional() };
const sequence = { handle, seq: positive, ack: positive };
const page = {
  cursor: z.string().max(Limits.cursor).optional(),
  limit: z.int().min(1).max(Limits.pageItems).default(Limits.defaultPageItems),
};
const onInterface = { ifIndex, nextHop };

interface Sequenced {
  readonly seq: number;
  readonly ack: number;
}

const ACK_ABOVE_SEQ = { error: 'must be at most `seq`', path: ['ack'] };
const ackUpToSeq = (request: Sequenced): boolean => request.ack <= request.seq;

const pair = z
  .array(z.unknown())
  .min(1)
  .max(2)
  .transform((value, context): InterfaceKey => {
    const index = ifIndex.safeParse(value[0]);
    const hop = nextHop.safeParse(value[1]);
    for (const [at, part] of [index, hop].entries()) {
      if (!part.success) {
        context.addIssue({ code: 'custom', message: part.error.issues[0]?.message, path: [at] });
      }
    }
    return index.success && hop.success ? { ifIndex: index.data, nextHop: hop.data } : z.NEVER;
  });

const targetFields = {
  ifIndex: ifIndex.optional(),
  nextHop: z.unknown().optional(),
  interfaces: z.array(pair).min(1).max(Limits.bulk).optional(),
};

interface Targets {
  /** The interfaces, in the order of the request. */
  readonly targets: readonly InterfaceKey[];
  /** Whether the request named them in `interfaces` and so expects `results`. */
  readonly bulk: boolean;
}

interface TargetFields {
  ifIndex?: number | undefined;
  nextHop?: unknown;
  interfaces?: InterfaceKey[] | undefined;
}

/** `ifIndex` (with `nextHop`) or `interfaces`; both, or neither, is a bad request. */
function readTargets(fields: TargetFields, context: z.RefinementCtx): Targets {
  const refuse = (field: string, message: string): Targets => {
    context.addIssue({ code: 'custom', message, path: [field] });
    return z.NEVER;
  };
  if (fields.interfaces !== undefined) {
    if (fields.ifIndex !== undefined || fields.nextHop !== undefined) {
      return refuse('interfaces', 'must not stand beside `ifIndex` or `nextHop`');
    }
    return { targets: fields.interfaces, bulk: true };
  }
  if (fields.ifIndex === undefined) return refuse('ifIndex', 'is missing, and so is `interfaces`');
  const hop = nextHop.safeParse(fields.nextHop);
  if (!hop.success) return refuse('nextHop', hop.error.issues[0]?.message ?? 'is not an address');
  return { targets: [{ ifIndex: fields.ifIndex, nextHop: hop.data }], bulk: false };
}

/** Replaces the three fields a request may name its interfaces by with the one list that the manager works on. */
function gatherTargets<Fields extends TargetFields>(fields: Fields, context: z.RefinementCtx) {
  const { ifIndex: index, nextHop: hop, interfaces, ...rest } = fields;
  return { ...rest, ...readTargets({ ifIndex: index, nextHop: hop, interfaces }, context) };
}

/** One epoch for each interface, `"0"` for none. */
function heldForEach(
  { held, targets }: { held?: readonly string[] | undefined; targets: readonly InterfaceKey[] },
  context: z.RefinementCtx,
): void {
  if (held === undefined || held.length === targets.length) return;
  const message = `must name an epoch for each of ${targets.length} interfaces, "0" for none`;
  context.addIssue({ code: 'custom', message, path: ['held'] });
}

const take = z
  .object({
    ...common,
    ...sequence,
    ...targetFields,
    held: z.array(epoch).min(1).max(Limits.bulk).optional(),
  })
  .refine(ackUpToSeq, ACK_ABOVE_SEQ)
  .transform(gatherTargets)
  .superRefine(heldForEach);

const release = z
  .object({ ...common, ...sequence, ...targetFields, epoch: epoch.optional() })
  .refine(ackUpToSeq, ACK_ABOVE_SEQ)
  .transform(gatherTargets);

const ttlMs = z.int().min(Limits.ttlMs.min).max(Limits.ttlMs.max).default(Limits.ttlMs.default);
const graceMs = z
  .int()
  .min(Limits.graceMs.min)
  .max(Limits.graceMs.max)
  .default(Limits.graceMs.default);

/** The schema of every operation, by its name in the subject. */
export const requestSchemas = {
  register: z.object({
    ...common,
    protocolId: u32,
    componentId: u32,
    instance: z.string().min(Limits.instance.min).max(Limits.instance.max),
    name: text.default(''),
    ttlMs,
    graceMs,
    takeover: z.boolean().default(false),
    resumes: positive.optional(),
  }),
  keepalive: z.object({
    ...common,
    handle,
    ack: positive.optional(),
    mailboxAck: counter.optional(),
  }),
  deregister: z
    .object({ ...common, ...sequence, force: z.boolean().default(false) })
    .refine(ackUpToSeq, ACK_ABOVE_SEQ),
  take,
  release,
  owner: z.object({ ...common, ...onInterface }),
  validate: z.object({ ...common, ...onInterface, epoch }),
  interfaces: z.object({
    ...common,
    ...page,
    protocolId: u32.optional(),
    session: positive.optional(),
  }),
  sessions: z.object({ ...common, ...page }),
  events: z.object({ ...common, from: counter, limit: page.limit }),
  mailbox: z.object({ ...common, handle, from: counter, limit: page.limit }),
  'admin.release': z.object({ ...common, ...onInterface, actor: reasonText, why: reasonText }),
  'admin.evict': z.object({ ...common, session: positive, actor: reasonText, why: reasonText }),
} as const satisfies Record<OperationName, z.ZodType>;

/** A request in canonical form. */
export type Request<Name extends OperationName> = z.output<(typeof requestSchemas)[Name]>;
/** A request as a client may write it. */
export type RequestFields<Name extends OperationName> = z.input<(typeof requestSchemas)[Name]>;

export type ParsedRequest<Name extends OperationName> =
  | { readonly kind: 'request'; readonly request: Request<Name> }
  | { readonly kind: 'bad-request'; readonly field: string; readonly message: string };

/** Reads a decoded message as a request of this operation, or says which field is wrong and what it must be. */
export function parseRequest<Name extends OperationName>(
  operation: Name,
  message: unknown,
): ParsedRequest<Name> {
  const plain = readPlainly(operation, message);
  if (plain !== undefined) return { kind: 'request', request: plain as Request<Name> };
  return parseThoroughly(operation, message);
}

/** The same by the schemas alone, which also say what is wrong. */
export function parseThoroughly<Name extends OperationName>(
  operation: Name,
  message: unknown,
): ParsedRequest<Name> {
  const schema: z.ZodType<Request<Name>> = requestSchemas[operation] as never;
  const parsed = schema.safeParse(message);
  if (parsed.success) return { kind: 'request', request: parsed.data };
  const issue = parsed.error.issues[0];
  const field = fieldName(issue?.path ?? []);
  return { kind: 'bad-request', field, message: `${field}: ${issue?.message ?? 'is not valid'}` };
}

/** `interfaces[3][0]` for the path `['interfaces', 3, 0]`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`))
    .join('');
}
