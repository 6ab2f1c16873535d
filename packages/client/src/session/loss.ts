import type { EventMessage, SessionId } from '@mgm/protocol';
import { isMgmError, MgmError } from '../errors.ts';
import type { HeldInterface } from '../ownership.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import { requestGranted, type Context, type RequestOptions } from '../rpc/context.ts';
import type { LossCause } from './events.ts';

/** A registration that is over. */
export interface Loss {
  readonly session: SessionId;
  readonly cause: LossCause;
  /** The revision of the last reply that it got: whatever ended it has a higher one. */
  readonly lastRev: number;
  /** How often the store had lost data when it was registered: another session may find the next loss first. */
  readonly storeLosses: number;
  readonly ttlMs: number;
  readonly reason: MgmError;
  /** What it held until then. */
  readonly held: readonly HeldInterface[];
}

const TEXT: { readonly [Cause in LossCause]: string } = {
  deadline: 'the session was lost: no keepalive was answered before its deadline',
  expired: 'the session was lost: its lease ran out',
  evicted: 'the session was evicted',
  refused: 'the session was lost: the manager does not know it',
  deregistered: 'the session was deregistered',
  orphaned: 'the session was orphaned; its lease runs out at the store',
  takeover: 'the session was taken over by another process',
  disconnected: 'the session was lost: its NATS connection was closed',
  closed: 'the client was closed',
};

export function sessionLost(cause: LossCause, detail = ''): MgmError {
  return sessionOver(detail ? `${TEXT[cause]} (${detail})` : TEXT[cause]);
}

export function beingDeregistered(): MgmError {
  return sessionOver('the session is being deregistered');
}

/** Between two registrations: the same call may succeed soon. */
export function beingRecovered(): MgmError {
  return sessionOver('the session was lost and is being registered again', true);
}

function sessionOver(message: string, retryable = false): MgmError {
  return new MgmError(message, { reason: 'session-lost', outcome: 'not-done', retryable });
}

/** Losses that the user of the session caused. */
export function isIntended(cause: LossCause): boolean {
  return cause === 'deregistered' || cause === 'orphaned' || cause === 'closed';
}

/**
 * What the store's event log says about a lost session.
 *
 * - `data-lost`: the store lost data: it has another log, or fewer revisions than before.
 * - `lease-expired`: the lease ran out.
 * - `still-live`: the session still exists; this side reached no manager in time and had to stop.
 * - `ended`: an operator evicted it or another process took it over, or the log does not say.
 */
export type Verdict = 'data-lost' | 'lease-expired' | 'still-live' | 'ended';

/** Limits of a recovery. */
export interface RecoveryLimits {
  /** When to give up. */
  readonly endsMono: number;
  /** The longest attempt, and the longest pause after it: the rest of the lease runs as soon as managers serve. */
  readonly attemptMs: number;
  readonly signal: AbortSignal;
}

/** Reads the store's event log; waits for a manager if none replies. Rejects with `MgmError`. */
export async function diagnoseLoss(
  context: Context,
  loss: Loss,
  limits: RecoveryLimits,
): Promise<Verdict> {
  const revBefore = context.store.rev;
  const page = await retried(context, limits, () =>
    requestGranted(context, 'interfaces', { limit: 1 }, attemptOptions(limits)),
  );
  context.store.compare(page, revBefore);
  if (context.store.losses > loss.storeLosses) return 'data-lost';
  const byDeadline = loss.cause === 'deadline';
  const log = eventsAfter(context, loss.lastRev, limits);
  for (;;) {
    const { done, value } = await log.next();
    // The handle was refused before this side's deadline, so the lease had not run out unless the log says so.
    if (done && !byDeadline) return 'ended';
    if (done) return value.isComplete ? 'still-live' : 'lease-expired';
    if (isDecision(value, loss.session)) return 'ended';
    if (isEndOfLease(value, loss.session)) return 'lease-expired';
  }
}

function isDecision({ type, session, previous }: EventMessage, ours: SessionId): boolean {
  return (type === 'evicted' && session === ours) || (type === 'resumed' && previous === ours);
}

function isEndOfLease({ type, session }: EventMessage, ours: SessionId): boolean {
  return (type === 'expired' || type === 'stale') && session === ours;
}

/** The events after `rev`; returns whether the log reached back that far. */
async function* eventsAfter(
  context: Context,
  rev: number,
  limits: RecoveryLimits,
): AsyncGenerator<EventMessage, { readonly isComplete: boolean }, undefined> {
  for (let from = rev; ;) {
    const page = await retried(context, limits, () =>
      requestGranted(context, 'events', { from }, attemptOptions(limits)),
    ).catch((error: unknown) => {
      if (isMgmError(error, 'compacted')) return undefined;
      throw error;
    });
    if (!page) return { isComplete: false };
    const last = page.events.at(-1);
    if (!last) return { isComplete: true };
    yield* page.events;
    from = last.rev;
  }
}

/** The limits of one call within a recovery. */
export function attemptOptions({ attemptMs, signal }: RecoveryLimits): RequestOptions {
  return { signal, timeoutMs: attemptMs, longestBackoffMs: attemptMs };
}

/** Repeats the attempt while its error is retryable and time is left. */
async function retried<Result>(
  { clock }: Context,
  { endsMono, attemptMs, signal }: RecoveryLimits,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const isWorthIt = isMgmError(error) && error.retryable && !signal.aborted;
      if (!isWorthIt || clock.monoMs() >= endsMono) throw error;
      await pause(clock, backoffMs(count, error.retryAfterMs, attemptMs), signal);
    }
  }
}
