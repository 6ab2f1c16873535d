import type { Revision } from '@mgm/protocol';
import type { BatchReply } from './batch-reply.ts';
import type { RequestTrace } from './batch-tracer.ts';
import type { QueueItem } from './fair-queue.ts';
import { decode, type ArbiterOperation, type ScriptReplies } from './generated/arbiter.ts';
import { handleText } from './names.ts';
import { revision } from './script-values.ts';
import { StoreError } from './store-error.ts';

/** The script reply to one operation, the router's revision after it, and the reply to its batch. */
export interface Decision<Name extends ArbiterOperation> {
  readonly reply: ScriptReplies[Name];
  readonly rev: Revision;
  readonly batch: BatchReply;
}

/** The identity of a request's sender and its rights, where managers identify callers. */
export interface Caller {
  /** The identity for which NATS vouches. */
  readonly identity: string;
  /** Whether it may inherit from sessions of other identities. */
  readonly mayTakeOver: boolean;
  /** Sessions that it may have on this router; 0 for no limit. */
  readonly sessionsMax: number;
  /** Interfaces that all of its sessions on this router may be on; 0 for no limit. */
  readonly interfacesMax: number;
  /** Bytes of replies kept for all of its sessions on this router, above which nothing new is executed; 0 for no limit. */
  readonly keptBytesMax: number;
  /** Positions in the interfaces of a `take` that the policy refuses, from 0. */
  readonly refusedInterfaces: readonly number[];
  /** Whether the policy denies the request: an operator's attempt is then noted in the operator log, and nothing else happens. */
  readonly isDenied: boolean;
}

/** An operation in the queue, and where its result goes. */
export interface QueuedOperation extends QueueItem {
  /** All of the text of its handle, if it has one. */
  readonly handle: string | undefined;
  /** Whether that handle, if there is one, is known to be that of a session. */
  readonly isVerified: boolean;
  readonly operation: ArbiterOperation;
  /** The operation and its arguments as the script reads them. */
  readonly call: readonly unknown[];
  readonly caller: Caller | undefined;
  /** The trace that it is part of, if it is traced. */
  readonly trace: RequestTrace | undefined;
  /** On this process's monotonic clock: not sent after it. */
  readonly deadlineMono: number;
  readonly resolve: (decision: Decision<ArbiterOperation>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An identity has a flow of its own. Where callers are not identified, each session has one, by all of the text of its handle.
 * Requests with handles that are not verified share a flow, so however many are invented, they get the turns and the room of
 * one session. Requests without a handle share another, and registrations a third.
 */
export function flowOf({
  operation,
  handle,
  isVerified,
  caller,
}: Pick<QueuedOperation, 'operation' | 'handle' | 'isVerified' | 'caller'>): string {
  if (caller !== undefined) return `identity ${caller.identity}`;
  if (!isVerified) return 'unverified';
  return handle ?? (operation === 'register' ? 'register' : '');
}

/** The callers of a batch as the script reads them: nothing where none is identified. */
export function packedCallers(batch: readonly QueuedOperation[]): unknown {
  if (batch.every(({ caller }) => caller === undefined)) return 0;
  return batch.map(({ caller }) => {
    if (caller === undefined) return 0;
    const { identity, mayTakeOver, refusedInterfaces, isDenied } = caller;
    const { sessionsMax, interfacesMax, keptBytesMax } = caller;
    const positions = refusedInterfaces.map((at) => at + 1);
    const rights = [identity, mayTakeOver ? 1 : 0, sessionsMax, positions, isDenied ? 1 : 0];
    return [...rights, interfacesMax, keptBytesMax];
  });
}

/** Rejects operations whose deadline passed before they were sent. */
export function withoutExpired(taken: QueuedOperation[]): QueuedOperation[] {
  const nowMono = performance.now();
  if (taken.every((one) => one.deadlineMono > nowMono)) return taken;
  return taken.filter((one) => {
    if (one.deadlineMono > nowMono) return true;
    one.reject(new StoreError('unavailable', 'its deadline passed before it was executed'));
    return false;
  });
}

/** Gives each operation of a batch its reply, and notes which handles the store gives and accepts. */
export function resolveAll(
  batch: readonly QueuedOperation[],
  reply: BatchReply,
  verified: Set<string>,
): void {
  for (const [at, one] of batch.entries()) {
    try {
      if (at >= reply.replies.length)
        throw new StoreError('indeterminate', 'the script returned fewer replies than operations');
      const rev = revision(reply.revs[at]);
      const decoded = decode[one.operation](reply.replies[at]);
      noteHandle(one, decoded, verified);
      one.resolve({ reply: decoded, rev, batch: reply });
    } catch (error) {
      one.reject(error);
    }
  }
}

/** Accepted handles kept per router; of more the oldest are forgotten, and the store verifies them again. */
const VERIFIED_MAX = 100_000;

function noteHandle(
  one: QueuedOperation,
  reply: ScriptReplies[ArbiterOperation],
  verified: Set<string>,
): void {
  const handle = reply.kind === 'registered' ? handleText(reply) : one.handle;
  if (handle === undefined) return;
  if (reply.kind === 'bad_handle' || reply.kind === 'session_expired') {
    verified.delete(handle);
  } else if (!one.isVerified || reply.kind === 'registered') {
    const [oldest] = verified;
    if (verified.size >= VERIFIED_MAX && oldest !== undefined) verified.delete(oldest);
    verified.add(handle);
  }
}
