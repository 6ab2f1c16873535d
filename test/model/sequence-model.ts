import type { RouterModel, Session } from './router-model.ts';
import type { Reply, Outcome, SequencedRequest } from './vocabulary.ts';

/** Section 3: how far `seq` may be above the session's `ack`. */
const WINDOW = 4096;
/** Section 3: how long the number of an ended session is remembered, at least. */
const REMEMBERED_MS = 60_000;

/** The reasons for refusing a dead handle: the contract names one only for an expired lease. */
const DEAD = ['bad-handle', 'session-expired'];

export function refused(
  status: number,
  reason: string | readonly string[],
  fields: object = {},
): Reply {
  return { status, reason, ...fields };
}

/** The refusal of a handle; `undefined` for that of a live session (T16, B1, section 7). */
export function refusedHandle(session: Session | undefined): Reply | undefined {
  if (session?.state === 'live') return undefined;
  const isLapsed = session?.state === 'stale' || session?.end === 'expired';
  return refused(87, isLapsed ? 'session-expired' : DEAD);
}

/** "Sequencing: every change takes effect once", section 3; B2. */
export function once(
  router: RouterModel,
  request: SequencedRequest,
  change: (session: Session) => Reply,
): Outcome {
  const { handle, seq, ack, kind } = request;
  const session = router.sessionOf(handle);
  const refusal = refusedHandle(session);
  if (!session) return { reply: refusal ?? refused(87, 'bad-handle') };
  if (refusal) return afterTheEnd(router, session, request, refusal);
  if (seq < session.ack) return { reply: refused(87, 'stale-request') };
  if (seq > Math.max(session.ack, ack) + WINDOW) return { reply: badSeq };
  acknowledge(session, ack);
  const first = session.replies.get(seq);
  if (first)
    return first.kind === kind ? { reply: first.reply, repeat: 'must' } : { reply: badSeq };
  // Refusals are replies too.
  const reply = change(session);
  session.replies.set(seq, { kind, reply });
  return { reply };
}

/** A `seq` that is too high or, as the contract leaves open, one that was used for another operation. */
const badSeq = refused(87, 'bad-request', { field: 'seq' });

/** Every `seq` below `ack` is finished or abandoned; a lower `ack` than before changes nothing. */
export function acknowledge(session: Session, ack: number): void {
  session.ack = Math.max(session.ack, ack);
  for (const seq of session.replies.keys()) if (seq < session.ack) session.replies.delete(seq);
}

/**
 * "The first rule holds for `deregister` too: the number of an ended session is remembered for at least a minute."
 * The contract leaves open how other requests repeated then, or a later repeat, are answered: first reply or dead handle.
 */
function afterTheEnd(
  router: RouterModel,
  session: Session,
  { seq, kind }: SequencedRequest,
  refusal: Reply,
): Outcome {
  if (session.end !== 'deregistered') return { reply: refusal };
  if (seq < session.ack) return { reply: refused(87, ['stale-request', ...DEAD]) };
  const first = session.replies.get(seq);
  if (!first) return { reply: refusal };
  if (first.kind !== kind) return { reply: refused(87, ['bad-request', ...DEAD]) };
  const isRemembered = router.nowMs - session.overSince < REMEMBERED_MS;
  if (kind === 'deregister' && isRemembered) return { reply: first.reply, repeat: 'must' };
  return { reply: refusal, repeat: 'may' };
}
