import type { RouterModel, Session } from './router-model.ts';
import type { Answer, Outcome, SequencedRequest } from './vocabulary.ts';

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
): Answer {
  return { status, reason, ...fields };
}

/** The refusal of a handle; `undefined` for that of a live session (T16, B1, section 7). */
export function refusedHandle(session: Session | undefined): Answer | undefined {
  if (session?.state === 'live') return undefined;
  const isLapsed = session?.state === 'stale' || session?.end === 'expired';
  return refused(87, isLapsed ? 'session-expired' : DEAD);
}

/** "Sequencing: every change takes effect once", section 3; B2. */
export function once(
  router: RouterModel,
  request: SequencedRequest,
  change: (session: Session) => Answer,
): Outcome {
  const { handle, seq, ack, kind } = request;
  const session = router.sessionOf(handle);
  const refusal = refusedHandle(session);
  if (!session) return { answer: refusal ?? refused(87, 'bad-handle') };
  if (refusal) return afterTheEnd(router, session, request, refusal);
  if (seq < session.ack) return { answer: refused(87, 'stale-request') };
  if (seq > Math.max(session.ack, ack) + WINDOW) return { answer: badSeq };
  acknowledge(session, ack);
  const first = session.answers.get(seq);
  if (first)
    return first.kind === kind ? { answer: first.answer, repeat: 'must' } : { answer: badSeq };
  // Refusals are replies too.
  const answer = change(session);
  session.answers.set(seq, { kind, answer });
  return { answer };
}

/** A `seq` that is too high or, as the contract leaves open, one that was used for another operation. */
const badSeq = refused(87, 'bad-request', { field: 'seq' });

/** Every `seq` below `ack` is finished or abandoned; a lower `ack` than before changes nothing. */
export function acknowledge(session: Session, ack: number): void {
  session.ack = Math.max(session.ack, ack);
  for (const seq of session.answers.keys()) if (seq < session.ack) session.answers.delete(seq);
}

/**
 * "The first rule holds for `deregister` too: the number of an ended session is remembered for at least a minute."
 * The contract leaves open how other requests repeated then, or a later repeat, are answered: first reply or dead handle.
 */
function afterTheEnd(
  router: RouterModel,
  session: Session,
  { seq, kind }: SequencedRequest,
  refusal: Answer,
): Outcome {
  if (session.end !== 'deregistered') return { answer: refusal };
  if (seq < session.ack) return { answer: refused(87, ['stale-request', ...DEAD]) };
  const first = session.answers.get(seq);
  if (!first) return { answer: refusal };
  if (first.kind !== kind) return { answer: refused(87, ['bad-request', ...DEAD]) };
  const isRemembered = router.nowMs - session.overSince < REMEMBERED_MS;
  if (kind === 'deregister' && isRemembered) return { answer: first.answer, repeat: 'must' };
  return { answer: refusal, repeat: 'may' };
}
