import type { EventMessage, SessionId } from '@mgm/protocol';
import { backoffMs } from './backoff.ts';
import { demand, type Context } from './context.ts';
import { isMgmError } from './errors.ts';
import type { LossCause } from './session-errors.ts';
import { pause } from './waiting.ts';

/**
 * What was behind the loss of a session.
 *
 * - `forgotten`: the store lost data: it has another log of changes, or fewer revisions than before.
 * - `ran-out`: the lease ran out.
 * - `decided`: somebody evicted the session or took it over, or nothing tells otherwise.
 */
export type Verdict = 'forgotten' | 'ran-out' | 'decided';

export interface LostSession {
  readonly session: SessionId;
  readonly cause: LossCause;
  /** The revision of the last answer that it got. */
  readonly lastRev: number;
}

export interface Patience {
  /** When to give up. */
  readonly endsMono: number;
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
    demand(context, 'interfaces', { limit: 1 }, { signal: patience.signal }),
  );
  if (context.store.compare(page, revBefore)) return 'forgotten';
  // A keepalive refused before this side's deadline: unless the log says otherwise, the lease had not run out.
  const unless = lost.cause === 'deadline' ? 'ran-out' : 'decided';
  for await (const event of eventsAfter(context, lost.lastRev, patience)) {
    if (isDecision(event, lost.session)) return 'decided';
    if (isEndOfLease(event, lost.session)) return 'ran-out';
  }
  return unless;
}

function isDecision({ type, session, previous }: EventMessage, ours: SessionId): boolean {
  return (type === 'evicted' && session === ours) || (type === 'resumed' && previous === ours);
}

function isEndOfLease({ type, session }: EventMessage, ours: SessionId): boolean {
  return (type === 'expired' || type === 'stale') && session === ours;
}

/** The log from there on; nothing where it does not reach back so far. */
async function* eventsAfter(
  context: Context,
  rev: number,
  patience: Patience,
): AsyncGenerator<EventMessage, void, undefined> {
  for (let from = rev; ;) {
    const page = await patiently(context, patience, () =>
      demand(context, 'events', { from }, { signal: patience.signal }),
    ).catch((error: unknown) => {
      if (isMgmError(error, 'compacted')) return undefined;
      throw error;
    });
    const last = page?.events.at(-1);
    if (!page || !last) return;
    yield* page.events;
    from = last.rev;
  }
}

/** Tries again while nobody is there to answer. */
async function patiently<Result>(
  { clock }: Context,
  { endsMono, signal }: Patience,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const isWorthIt = isMgmError(error) && error.retryable && !signal.aborted;
      if (!isWorthIt || clock.monoMs() >= endsMono) throw error;
      await pause(clock, backoffMs(count, error.retryAfterMs), signal);
    }
  }
}
