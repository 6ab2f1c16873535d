import type { EventMessage, SessionId } from '@mgm/protocol';
import { backoffMs } from '../rpc/backoff.ts';
import { demand, type AskOptions, type Context } from '../rpc/context.ts';
import { isMgmError } from '../errors.ts';
import type { LossCause } from './errors.ts';
import { pause } from '../rpc/waiting.ts';

/**
 * What was behind the loss of a session.
 *
 * - `forgotten`: the store lost data: it has another log of changes, or fewer revisions than before.
 * - `ran-out`: the lease ran out.
 * - `outlived`: it did not: the session is still there. This side could reach nobody in time, and had to stop.
 * - `decided`: somebody evicted the session or took it over, or nothing tells otherwise.
 */
export type Verdict = 'forgotten' | 'ran-out' | 'outlived' | 'decided';

export interface LostSession {
  readonly session: SessionId;
  readonly cause: LossCause;
  /** The revision of the last answer that it got. */
  readonly lastRev: number;
}

export interface Patience {
  /** When to give up. */
  readonly endsMono: number;
  /** How long one attempt, and the pause after it, may take: what is left of the lease runs on as soon as managers serve. */
  readonly attemptMs: number;
  readonly signal: AbortSignal;
}

/** Asks the store's log of changes, and waits for a manager where none is there. Rejects with `MgmError`. */
export async function whyLost(
  context: Context,
  lost: LostSession,
  patience: Patience,
): Promise<Verdict> {
  const revBefore = context.store.rev;
  const page = await patiently(context, patience, () =>
    demand(context, 'interfaces', { limit: 1 }, attempts(patience)),
  );
  if (context.store.compare(page, revBefore)) return 'forgotten';
  const byDeadline = lost.cause === 'deadline';
  const log = eventsAfter(context, lost.lastRev, patience);
  for (;;) {
    const { done, value } = await log.next();
    // A keepalive refused before this side's deadline: unless the log says otherwise, the lease had not run out.
    if (done && !byDeadline) return 'decided';
    if (done) return value.isComplete ? 'outlived' : 'ran-out';
    if (isDecision(value, lost.session)) return 'decided';
    if (isEndOfLease(value, lost.session)) return 'ran-out';
  }
}

function isDecision({ type, session, previous }: EventMessage, ours: SessionId): boolean {
  return (type === 'evicted' && session === ours) || (type === 'resumed' && previous === ours);
}

function isEndOfLease({ type, session }: EventMessage, ours: SessionId): boolean {
  return (type === 'expired' || type === 'stale') && session === ours;
}

/** The log from there on, and at the end whether that was all of it: it may not reach back so far. */
async function* eventsAfter(
  context: Context,
  rev: number,
  patience: Patience,
): AsyncGenerator<EventMessage, { readonly isComplete: boolean }, undefined> {
  for (let from = rev; ;) {
    const page = await patiently(context, patience, () =>
      demand(context, 'events', { from }, attempts(patience)),
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

/** The limits of one call. */
export function attempts({ attemptMs, signal }: Patience): AskOptions {
  return { signal, timeoutMs: attemptMs, longestBackoffMs: attemptMs };
}

/** Tries again while nobody is there to answer. */
async function patiently<Result>(
  { clock }: Context,
  { endsMono, attemptMs, signal }: Patience,
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
