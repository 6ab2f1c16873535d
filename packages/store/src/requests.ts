import { randomBytes } from 'node:crypto';
import {
  isIgmp,
  operationsWith,
  type OperationFlags,
  type OperationName,
  type Request,
} from '@mgm/protocol';
import type { ArbiterArgs, ArbiterOperation } from './generated/arbiter.ts';
import { readCursor } from './cursor.ts';
import { readHandle } from './names.ts';

/** The arbiter's operation for each of the wire. */
export const ARBITER_OPERATION = {
  register: 'register',
  keepalive: 'keepalive',
  deregister: 'deregister',
  take: 'take',
  release: 'release',
  owner: 'owner',
  validate: 'validate',
  interfaces: 'interfaces',
  sessions: 'sessions',
  events: 'events',
  mailbox: 'mailbox',
  'admin.release': 'admin_release',
  'admin.evict': 'admin_evict',
} as const satisfies Record<OperationName, ArbiterOperation>;
export type ArbiterOperationOf<Name extends OperationName> = (typeof ARBITER_OPERATION)[Name];

/** May wait for up to 50 ms to share a batch. */
export const DELAY_TOLERANT = arbiterOperationsWith('delayTolerant');

/** Served before others and accepted where others are refused, because leases depend on them. */
export const HIGH_PRIORITY = arbiterOperationsWith('highPriority').union(
  new Set(['sweep'] as const),
);

function arbiterOperationsWith(flag: keyof OperationFlags): ReadonlySet<ArbiterOperation> {
  return new Set([...operationsWith(flag)].map((name) => ARBITER_OPERATION[name]));
}

type ToArgs = {
  readonly [Name in OperationName]: (
    request: Request<Name>,
  ) => ArbiterArgs[ArbiterOperationOf<Name>];
};

/** What the arbiter needs to know of each request. */
export const toArgs: ToArgs = {
  register: (request) => ({
    ...request,
    isIgmp: isIgmp(request.protocolId),
    resumes: request.resumes ?? 0,
    secret: randomBytes(16).toString('base64url'),
  }),
  keepalive: ({ handle, ack = 0, mailboxAck = 0 }) => ({
    handle: readHandle(handle),
    ack,
    mailboxAck,
  }),
  deregister: ({ handle, seq, ack, force }) => ({ handle: readHandle(handle), seq, ack, force }),
  take: ({ handle, seq, ack, targets, held = [] }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    interfaces: targets,
    held: held.map(Number),
  }),
  release: ({ handle, seq, ack, targets, epoch = '' }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    interfaces: targets,
    epoch,
  }),
  owner: ({ ifIndex, nextHop }) => ({ interface: { ifIndex, nextHop } }),
  validate: ({ ifIndex, nextHop, epoch }) => ({ interface: { ifIndex, nextHop }, epoch }),
  interfaces: ({ cursor, limit, session = 0, protocolId = -1 }) => ({
    ...readCursor(cursor),
    limit,
    session,
    protocol: protocolId,
  }),
  sessions: ({ cursor, limit }) => ({ after: readCursor(cursor).client, limit }),
  events: ({ from, limit }) => ({ after: from, limit }),
  mailbox: ({ handle, from, limit }) => ({ handle: readHandle(handle), after: from, limit }),
  'admin.release': ({ ifIndex, nextHop, actor, why }) => ({
    interface: { ifIndex, nextHop },
    actor,
    why,
  }),
  'admin.evict': ({ session, actor, why }) => ({ session, actor, why }),
};
