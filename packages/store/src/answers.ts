import {
  epochOf,
  refusal,
  type BulkResult,
  type OperationName,
  type RefusalFields,
  type ReplyBody,
  type Request,
  type Revision,
} from '@mgm/protocol';
import { eventsOf, callbackMessage } from './batch-reply.ts';
import { writeCursor } from './cursor.ts';
import type { Decision } from './batcher.ts';
import type {
  ReleaseOutcome,
  SequenceRefusal,
  SessionRefusal,
  TakeOutcome,
} from './generated/arbiter.ts';
import { describeHolder, wireHolder, wireInterface, wireSession } from './holders.ts';
import { interfaceName, writeHandle } from './names.ts';
import type { ArbiterOperationOf } from './requests.ts';

type Answers = {
  readonly [Name in OperationName]: (
    decision: Decision<ArbiterOperationOf<Name>>,
    request: Request<Name>,
  ) => ReplyBody<Name>;
};

/** The reply of the wire contract for each of the arbiter's answers. */
export const answers: Answers = {
  register: ({ reply }) => {
    if (reply.kind === 'store_full') return STORE_FULL;
    if (reply.kind === 'already_registered') {
      return refusal(
        'alreadyRegistered',
        `session ${reply.session}${reply.name && ` (${reply.name})`} is another instance of this client; its lease has ${reply.expiresInMs} ms left`,
      );
    }
    const { session, ttlMs, graceMs, mailbox, resumed, owned, epoch } = reply;
    return {
      status: 0,
      handle: writeHandle(reply.client, session, reply.secret),
      session,
      ttlMs,
      graceMs,
      mailbox,
      resumed,
      ...(resumed && { owned, ...(epoch && { epoch }) }),
    };
  },
  keepalive: ({ reply }) =>
    reply.kind === 'kept'
      ? { status: 0, ttlMs: reply.ttlMs, mailbox: reply.mailbox }
      : sessionRefused(reply),
  deregister: ({ reply }) => {
    if (reply.kind === 'deregistered') return { status: 0 };
    if (reply.kind === 'owns_interfaces') {
      return refusal(
        'ownsInterfaces',
        `still owns ${reply.owned} interface${reply.owned === 1 ? '' : 's'}: release them first, or use \`force\``,
      );
    }
    return notSequenced(reply);
  },
  take: ({ reply }, { bulk }) => {
    switch (reply.kind) {
      case 'granted':
        return byInterface([{ status: 0, epoch: reply.epoch }], bulk);
      case 'taken':
        return { status: 0, results: reply.epochs.map((epoch) => ({ status: 0, epoch })) };
      case 'decided':
        return byInterface(reply.results.map(takeResult), bulk);
      case 'held_back':
        return heldBack(reply);
      case 'store_full':
        return STORE_FULL;
      default:
        return notSequenced(reply);
    }
  },
  release: ({ reply }, { bulk, targets }) => {
    if (reply.kind === 'released')
      return byInterface(
        targets.map(() => DONE),
        bulk,
      );
    if (reply.kind !== 'decided') return notSequenced(reply);
    return byInterface(reply.results.map(releaseResult), bulk);
  },
  owner: ({ reply }, request) =>
    reply.kind === 'held'
      ? { status: 0, ...wireHolder(reply.holder) }
      : refusal('notFound', `nobody owns ${interfaceName(request)}`),
  validate: ({ reply }, request) => {
    if (reply.kind === 'current') return { status: 0, current: reply.current };
    if (reply.kind === 'free') {
      const current = epochOf(0);
      return refusal('notOwner', `nobody owns ${interfaceName(request)}`, { current });
    }
    const { current } = reply;
    return refusal('notOwner', `the epoch in force is ${current}`, { current });
  },
  interfaces: ({ reply, batch }) => ({
    status: 0,
    items: reply.items.map(wireInterface),
    ...(reply.client > 0 && { cursor: writeCursor(reply) }),
    log: batch.log,
  }),
  sessions: ({ reply }) => ({
    status: 0,
    items: reply.items.map(wireSession),
    ...(reply.next > 0 && {
      cursor: writeCursor({ client: reply.next, began: 0, score: 0, last: '' }),
    }),
  }),
  events: ({ reply, batch }, { from, limit }) => {
    if (reply.kind === 'compacted') {
      const { first } = reply;
      return refusal('compacted', `the log starts at ${first}`, { first });
    }
    const events = reply.entries.flatMap(({ ts, runs }) =>
      runs.flatMap((run) => eventsOf(run, ts)),
    );
    return {
      status: 0,
      events: events.filter(({ rev }) => rev > from).slice(0, limit),
      head: batch.rev as Revision,
      first: reply.first,
      log: batch.log,
    };
  },
  mailbox: ({ reply }, { from, limit }) => {
    if (reply.kind !== 'messages') return sessionRefused(reply);
    const messages = reply.entries.flatMap(({ ts, callbacks }) =>
      callbacks.map((callback) => callbackMessage(callback, ts)),
    );
    return {
      status: 0,
      messages: messages.filter(({ seq }) => seq > from).slice(0, limit),
      head: reply.head,
    };
  },
  'admin.release': ({ reply }, request) =>
    reply.kind === 'released'
      ? { status: 0, previous: wireHolder(reply.previous) }
      : refusal('notFound', `nobody owns ${interfaceName(request)}`),
  'admin.evict': ({ reply }, { session }) =>
    reply.kind === 'evicted'
      ? { status: 0, released: reply.released }
      : refusal('notFound', `no session ${session}`),
};

const DONE = { status: 0 } as const;
const STORE_FULL = refusal('storeFull', 'Redis is out of memory');

function byInterface(
  results: readonly BulkResult[],
  bulk: boolean,
): BulkResult | { readonly status: 0; readonly results: readonly BulkResult[] } {
  const [only] = results;
  return bulk || !only ? { status: 0, results } : only;
}

function takeResult(outcome: TakeOutcome): BulkResult {
  if (outcome.kind === 'taken') return { status: 0, epoch: outcome.epoch };
  if (outcome.kind === 'held_back') return heldBack(outcome);
  const holder = wireHolder(outcome.holder);
  if (outcome.kind === 'already_taken') {
    return refusal('alreadyTaken', 'this session holds it, through another request', { holder });
  }
  return refusal('alreadyOwned', `owned by ${describeHolder(outcome.holder)}`, { holder });
}

/** Data was lost: somebody may still act on what they had before. */
function heldBack({ retryAfterMs }: { readonly retryAfterMs: number }): RefusalFields {
  const message = `the store lost data, so nothing new is granted for another ${retryAfterMs} ms`;
  return refusal('unavailable', message, { retryable: true, retryAfterMs });
}

function releaseResult(outcome: ReleaseOutcome): BulkResult {
  switch (outcome.kind) {
    case 'released':
      return { status: 0 };
    case 'not_owner':
      return refusal('notOwner', `owned by ${describeHolder(outcome.holder)}`, {
        holder: wireHolder(outcome.holder),
      });
    case 'other_epoch':
      return refusal('notOwner', `the epoch in force is ${outcome.current}`, {
        current: outcome.current,
      });
    case 'unknown_interface':
      return refusal('unknownInterface', 'nobody is on this interface');
  }
}

function sessionRefused(reply: SessionRefusal): RefusalFields {
  if (reply.kind === 'bad_handle') return refusal('badHandle', 'no session has this handle');
  return refusal('sessionExpired', `session ${reply.session} is over: register again`);
}

function notSequenced(reply: SessionRefusal | SequenceRefusal): RefusalFields {
  switch (reply.kind) {
    case 'stale_request':
      return refusal('staleRequest', `every seq below ${reply.ack} is finished or abandoned`);
    case 'seq_too_high':
      return refusal('badRequest', `seq: must be at most ${reply.highest} now`, { field: 'seq' });
    case 'seq_reused':
      return refusal('badRequest', `seq: was used for a ${reply.operation} before`, {
        field: 'seq',
      });
    default:
      return sessionRefused(reply);
  }
}
