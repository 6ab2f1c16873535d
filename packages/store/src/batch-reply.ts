import type { CallbackMessage, EventMessage, EventType, Cause, SessionId } from '@mgm/protocol';
import { readCallback, readEvent, type Callback, type Event } from './generated/arbiter.ts';
import { unpackFromScript } from './packing.ts';
import { list, row, ScriptReplyError } from './reply-reader.ts';

/** What one call of the arbiter answered: where the router stands, a result per operation, what to publish. */
export interface BatchReply {
  /** The instant of the batch, in ms on the store's clock. */
  readonly ts: number;
  readonly rev: number;
  readonly epoch: number;
  /** Id of the event log; `''` for a router that nobody has used. */
  readonly log: string;
  /** The longest lease ever given on the router, as far as anybody remembers. */
  readonly longestTtlMs: number;
  readonly results: readonly BatchResult[];
  readonly events: readonly EventMessage[];
  readonly callbacks: readonly { readonly session: SessionId; readonly message: CallbackMessage }[];
}

export interface BatchResult {
  /** The router's revision after the operation; of a repeat, after its first time. */
  readonly rev: number;
  /** The reply as the script packed it, for the decoder of its operation. */
  readonly reply: unknown;
}

/** Reads the arbiter's answer. Throws `ScriptReplyError` where it is not one. */
export function readBatchReply(parts: readonly Buffer[]): BatchReply {
  const [now, rev, epoch, log, results, events, callbacks, longestTtl] = parts;
  if (!now || !rev || !epoch || !log || !results || !events || !callbacks || !longestTtl) {
    throw new ScriptReplyError(`batch: expected 8 parts, got ${parts.length}`);
  }
  const ts = Number(now.toString());
  return {
    ts,
    rev: Number(rev.toString()),
    epoch: Number(epoch.toString()),
    log: log.toString(),
    longestTtlMs: Number(longestTtl.toString()),
    results: list(unpackFromScript(results), readResult),
    events: packedList(events, (value) => eventMessage(readEvent(value), ts)),
    callbacks: packedList(callbacks, (value) => {
      const callback = readCallback(value);
      return { session: callback.session, message: callbackMessage(callback, ts) };
    }),
  };
}

function packedList<Item>(packed: Buffer, one: (value: unknown) => Item): readonly Item[] {
  return packed.length === 0 ? [] : list(unpackFromScript(packed), one);
}

function readResult(value: unknown): BatchResult {
  const [rev, reply] = row(value, 'result', 2);
  return { rev: Number(rev), reply };
}

/** An event as the bus carries it: what does not apply is absent. */
export function eventMessage(event: Event, ts: number): EventMessage {
  return {
    rev: event.rev,
    ts,
    type: event.type as EventType,
    ...(event.session !== undefined && {
      session: event.session,
      protocolId: event.protocolId,
      componentId: event.componentId,
    }),
    ...event.interface,
    ...(event.epoch !== undefined && { epoch: event.epoch }),
    ...(event.previous !== undefined && { previous: event.previous }),
    ...(event.cause !== undefined && { cause: event.cause as Cause }),
    ...(event.actor !== undefined && { actor: event.actor }),
    ...(event.why !== undefined && { why: event.why }),
  };
}

/** A callback as the bus carries it. */
export function callbackMessage(callback: Callback, ts: number): CallbackMessage {
  const { seq, interface: on, epoch, why } = callback;
  const cause = callback.cause as Cause;
  if (callback.type === 'OWNERSHIP_LOST' && epoch !== undefined) {
    const lost = { seq, type: 'OWNERSHIP_LOST', ts, ...on, epoch, cause } as const;
    return why === undefined ? lost : { ...lost, why };
  }
  if ((callback.type === 'DISABLE_IGMP' || callback.type === 'ENABLE_IGMP') && cause !== 'admin') {
    return { seq, type: callback.type, ts, ...on, rev: callback.rev ?? revisionZero(), cause };
  }
  throw new ScriptReplyError(`callback ${seq}: undeclared ${callback.type} with cause ${cause}`);
}

function revisionZero(): never {
  throw new ScriptReplyError('an IGMP callback without a revision');
}
