import { type Fields, isPlainMap, unpack } from './raw-codec.ts';

/**
 * Replies, events and callbacks, written from the text of the wire contract. `readReply` checks the rules that apply to
 * every reply; the fields of each operation are checked by the tests.
 */
export interface IgmpHold {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: number;
  readonly epoch: string;
}

export interface Owner extends IgmpHold {
  readonly name: string;
  readonly since: number;
  readonly stale: boolean;
  readonly igmp?: IgmpHold;
}

export interface InterfaceItem extends Owner {
  readonly ifIndex: number;
  readonly nextHop: string;
}

export interface SessionItem {
  readonly session: number;
  readonly protocolId: number;
  readonly componentId: number;
  readonly name: string;
  readonly state: string;
  readonly expiresInMs: number;
  readonly interfaces: number;
}

export interface EventMessage {
  readonly rev: number;
  readonly ts: number;
  readonly type: string;
  readonly session?: number;
  readonly protocolId?: number;
  readonly componentId?: number;
  readonly ifIndex?: number;
  readonly nextHop?: string;
  readonly epoch?: string;
  readonly previous?: number;
  readonly cause?: string;
  readonly actor?: string;
  readonly why?: string;
}

export interface Callback {
  readonly seq: number;
  readonly type: string;
  readonly ts: number;
  readonly ifIndex: number;
  readonly nextHop: string;
  readonly rev?: number;
  readonly epoch?: string;
  readonly cause: string;
  readonly why?: string;
}

export interface Head {
  readonly rev: number;
  readonly first: number;
  readonly ts: number;
  readonly log: string;
}

export interface BulkResult {
  readonly status: number;
  readonly epoch?: string;
  readonly error?: string;
  readonly reason?: string;
  readonly holder?: Owner;
}

/** Fields of a reply with status 0, by operation. For take and release these are the fields of single and bulk requests. */
export interface ReplyFields {
  register: {
    readonly handle: string;
    readonly session: number;
    readonly ttlMs: number;
    readonly graceMs: number;
    readonly mailbox: number;
    readonly resumed: boolean;
    readonly owned?: number;
    readonly epoch?: string;
  };
  keepalive: { readonly ttlMs: number; readonly mailbox: number };
  deregister: object;
  take: { readonly epoch: string; readonly results: readonly BulkResult[] };
  release: { readonly results: readonly BulkResult[] };
  owner: Owner;
  validate: { readonly current: string };
  interfaces: {
    readonly items: readonly InterfaceItem[];
    readonly cursor?: unknown;
    readonly log: string;
  };
  sessions: { readonly items: readonly SessionItem[]; readonly cursor?: unknown };
  events: {
    readonly events: readonly EventMessage[];
    readonly head: number;
    readonly first: number;
    readonly log: string;
  };
  mailbox: { readonly messages: readonly Callback[]; readonly head: number };
  'admin.release': { readonly previous: Owner };
  'admin.evict': { readonly released: number };
  'admin.end-holdoff': { readonly leftMs: number };
  'admin.events': {
    readonly events: readonly Readonly<Record<string, unknown>>[];
    readonly head: number;
    readonly first: number;
  };
}

export type Op = keyof ReplyFields;
export const OPS: readonly Op[] = [
  'register',
  'keepalive',
  'deregister',
  'take',
  'release',
  'owner',
  'validate',
  'interfaces',
  'sessions',
  'events',
  'mailbox',
  'admin.release',
  'admin.evict',
  'admin.end-holdoff',
  'admin.events',
];

export interface Refusal {
  readonly status: 8 | 87 | 183 | 1003 | 1168;
  readonly rev: number;
  readonly error: string;
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
  readonly holder?: Owner;
  readonly current?: string;
  readonly first?: number;
  readonly retryable?: boolean;
}

export type Accepted<Name extends Op = Op> = ReplyFields[Name] & {
  readonly status: 0;
  readonly rev: number;
};
export type Reply<Name extends Op = Op> = Accepted<Name> | Refusal;

/** The table of section 2: status, name, reasons. */
const REFUSALS: ReadonlyMap<unknown, { error: string; reasons: readonly string[] }> = new Map([
  [5, { error: 'ERROR_ACCESS_DENIED', reasons: ['not-permitted'] }],
  [8, { error: 'ERROR_NOT_ENOUGH_MEMORY', reasons: ['store-full'] }],
  [
    87,
    {
      error: 'ERROR_INVALID_PARAMETER',
      reasons: [
        'bad-request',
        'bad-handle',
        'session-expired',
        'stale-request',
        'not-owner',
        'not-found',
      ],
    },
  ],
  [
    183,
    {
      error: 'ERROR_ALREADY_EXISTS',
      reasons: ['already-registered', 'already-owned', 'already-taken'],
    },
  ],
  [
    1003,
    {
      error: 'ERROR_CAN_NOT_COMPLETE',
      reasons: ['owns-interfaces', 'unavailable', 'overloaded', 'indeterminate', 'compacted'],
    },
  ],
  [1168, { error: 'ERROR_NOT_FOUND', reasons: ['not-found'] }],
]);

/** Decodes a reply and checks the rules of section 2. @throws Error that names the broken rule */
export function readReply<Name extends Op>(bytes: Uint8Array): Reply<Name> {
  const reply = unpack(bytes);
  if (!isPlainMap(reply)) throw broken('is not a map', reply);
  if (!isCounter(reply['rev'])) throw broken('has no `rev`', reply);
  if (reply['status'] !== 0) checkRefusal(reply);
  return reply as unknown as Reply<Name>;
}

function checkRefusal(reply: Fields): void {
  const row = REFUSALS.get(reply['status']);
  if (!row) throw broken('has a `status` outside the table', reply);
  if (reply['error'] !== row.error) throw broken(`must have \`error\` ${row.error}`, reply);
  const reason = String(reply['reason']);
  if (!row.reasons.includes(reason)) throw broken('has a `reason` of another row', reply);
  const message = reply['message'];
  if (typeof message !== 'string' || message === '') throw broken('has no `message`', reply);
}

function isCounter(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function broken(rule: string, reply: unknown): Error {
  return new Error(`a reply ${rule}: ${JSON.stringify(reply)}`);
}

/** The reply of an operation that must not be refused. @throws Error with the refusal */
export function ok<Reply extends { readonly status: number }>(
  reply: Reply,
): Extract<Reply, { readonly status: 0 }> {
  if (reply.status !== 0) throw new Error(`refused: ${JSON.stringify(reply)}`);
  return reply as Extract<Reply, { readonly status: 0 }>;
}
