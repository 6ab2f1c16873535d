import { isMgmError, type Mgm, type ProtocolOptions, type Session } from '@mgm/client';
import { pause } from './pause.ts';
import type { Random } from './random.ts';

/** What a worker of the demo is given. */
export interface WorkerPlan {
  readonly mgm: Mgm;
  readonly random: Random;
  /** Whether the process before is known to be gone, so that its session may be taken over. */
  readonly takeover: boolean;
  /** Ends the worker. */
  readonly signal: AbortSignal;
  /** One line of its log. */
  readonly log: (line: string) => void;
}

const REGISTER_AGAIN_AFTER_MS = 1_000;
/** One attempt. Less than a worker has to end, since it waits for it. */
const REGISTER_WITHIN_MS = 1_500;

/**
 * Registers, however long it takes until managers are there and a former session of the same pair has run out. Answers
 * `undefined` when the worker is to end; an attempt that is under way then is not given up, since it may have begun a session
 * that has to be given back. Rejects where waiting does not help.
 */
export async function registerPatiently(
  { mgm, signal, log }: WorkerPlan,
  options: ProtocolOptions,
): Promise<Session | undefined> {
  while (!signal.aborted) {
    try {
      const session = await mgm.registerProtocol({ ...options, deadlineMs: REGISTER_WITHIN_MS });
      log(`registered as session ${session.id}${session.resumed ? ', resumed' : ''}`);
      return session;
    } catch (error) {
      if (signal.aborted) break;
      if (!isWorthWaiting(error)) throw error;
      log(`not registered yet: ${error.message}`);
    }
    await pause(REGISTER_AGAIN_AFTER_MS, signal);
  }
  return undefined;
}

/** Whether it may go better later, or the session just ended; anything else is a bug of the worker. */
export function isWorthWaiting(error: unknown): error is Error {
  if (!isMgmError(error)) return false;
  return error.retryable || error.outcome === 'unknown' || WORTH_WAITING.has(error.reason);
}

const WORTH_WAITING: ReadonlySet<string> = new Set([
  'already-registered',
  'already-owned',
  'already-taken',
  'not-owner',
  'not-found',
  'session-lost',
  'ownership-lost',
  'session-expired',
  'bad-handle',
  'timeout',
  'aborted',
]);
