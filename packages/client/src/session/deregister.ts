import type { Context } from '../rpc/context.ts';
import { isMgmError, refusalError, type MgmError } from '../errors.ts';
import type { NumberedRequests } from '../interfaces/numbered-requests.ts';
import type { CallOptions } from '../options.ts';
import { granted } from '../rpc/replies.ts';
import type { LossCause } from './errors.ts';
import { giveUpAt } from '../rpc/waiting.ts';

/** The session that is to end. */
export interface EndingSession {
  /** Resolves when nothing is under way, what settles by itself included. */
  finishEverything(): Promise<void>;
  /** Ends all ownerships, gives up what is under way. */
  dropEverything(): void;
  /** Whether new operations are refused. */
  closing(isClosing: boolean): void;
  lose(cause: LossCause, detail?: string): void;
}

/**
 * Deregisters. Without `force` it waits for what is under way and leaves the session as it is where the manager refuses.
 * With `force` the session is over on this side from the call on, since whatever it owned may have another owner as soon
 * as the manager has the message; `ack` then says that nothing sent before can happen any more.
 */
export async function deregister(
  context: Context,
  requests: NumberedRequests,
  force: boolean,
  options: CallOptions,
  session: EndingSession,
): Promise<void> {
  const endsMono = context.clock.monoMs() + (options.deadlineMs ?? context.deadlineMs);
  session.closing(true);
  try {
    if (force) session.dropEverything();
    await giveUpAt(context, endsMono, options.signal, 'deregister', async () => {
      if (!force) await session.finishEverything();
      await requests.sequence.passed(requests.sequence.last);
    });
    await send(context, requests, force, {
      ...options,
      deadlineMs: endsMono - context.clock.monoMs(),
    });
    session.lose('deregistered');
  } catch (error) {
    if (isMgmError(error)) afterFailure(session, force, error);
    throw error;
  }
}

async function send(
  context: Context,
  requests: NumberedRequests,
  force: boolean,
  options: CallOptions,
): Promise<void> {
  const { numbered, call } = requests.deregister(force, options);
  const onAbort = (): void => call.abandon('aborted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    const place = { operation: 'deregister', router: context.router } as const;
    const { reply } = await call.answer;
    granted(reply, (refusal) => refusalError(refusal, place));
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    requests.sequence.finish(numbered.seq);
  }
}

/** A session that may be gone, or that has dropped all it had, is over; else it goes on. */
function afterFailure(session: EndingSession, force: boolean, error: MgmError): void {
  if (error.reason === 'bad-handle') session.lose('refused', error.message);
  else if (error.reason === 'session-expired') session.lose('expired', error.message);
  else if (force || error.outcome === 'unknown') session.lose('deregistered', error.message);
  else session.closing(false);
}
