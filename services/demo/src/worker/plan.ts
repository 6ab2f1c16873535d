import {
  type InterfaceRef,
  isMgmError,
  type Mgm,
  type ProtocolOptions,
  type Session,
} from '@mgm/client';
import { pause } from '../pause.ts';
import type { WorkerMessage } from './messages.ts';
import type { Random } from './random.ts';

/** What a worker of the demo works with. */
export interface WorkerPlan {
  readonly mgm: Mgm;
  readonly random: Random;
  /** Whether the former process has ended, so that its session may be taken over. */
  readonly takeover: boolean;
  /** Ends the worker. */
  readonly signal: AbortSignal;
  /** Writes one line to its log. */
  readonly log: (line: string) => void;
  /** Sends a message to the parent. */
  readonly tell: (message: WorkerMessage) => void;
}

const REGISTER_AGAIN_AFTER_MS = 1_000;
/** The timeout of one attempt. Less than a worker has to end, since it completes the attempt. */
const REGISTER_WITHIN_MS = 1_500;

/**
 * Registers, and retries until managers answer and a former session of the same pair has ended. Resolves to `undefined` when the
 * worker must end; a running attempt is completed then, since it may have opened a session that must be closed. Rejects with
 * errors that a retry cannot resolve.
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

/** Whether a retry may succeed, or the session has just ended; anything else is a bug of the worker. */
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
  'no-membership',
  'session-expired',
  'bad-handle',
  'timeout',
  'aborted',
]);

/** The interfaces that PIM and DVMRP contend for: four broadcast links, and a point-to-multipoint one with two next hops. */
export const CONTENDED: readonly InterfaceRef[] = [
  { ifIndex: 1 },
  { ifIndex: 2 },
  { ifIndex: 3 },
  { ifIndex: 4 },
  { ifIndex: 5, nextHop: '10.0.5.1' },
  { ifIndex: 5, nextHop: '10.0.5.2' },
];

/** The interfaces with hosts, where IGMP runs: together with the owner, and alone on the last one. */
export const WITH_HOSTS: readonly InterfaceRef[] = [{ ifIndex: 1 }, { ifIndex: 2 }, { ifIndex: 6 }];

/** What the hosts join and leave: two groups from any source, and one from a named source. */
export const CHANNELS = [
  { group: '239.1.1.1' },
  { group: '239.1.1.2' },
  { group: '232.1.1.1', source: '192.0.2.10' },
] as const;
