import { type Fields, isPlainMap, unpack } from './raw-codec.ts';
import type { Op, Owner, ReplyFields } from './raw-operations.ts';

/**
 * Replies, read by the text of the wire contract. `readReply` checks the rules that apply to every reply; the fields of each
 * operation are checked by the tests.
 */
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
        'ssm-needs-source',
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
      reasons: [
        'owns-interfaces',
        'unavailable',
        'overloaded',
        'indeterminate',
        'compacted',
        'limit',
        'no-mfe',
      ],
    },
  ],
  [1168, { error: 'ERROR_NOT_FOUND', reasons: ['not-found', 'no-membership'] }],
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
