import type { Epoch, EventMessage, InterfaceKey, SessionId } from '@mgm/protocol';
import { isMgmError, MgmError } from '../errors.ts';
import { keyText, type SettingsRecord } from '../interfaces/refs.ts';
import { SHARED_GROUP } from '../interfaces/requests.ts';
import type { HeldInterface } from '../ownership.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import { requestGranted, type Context, type RequestOptions } from '../rpc/context.ts';
import { unlessCompacted } from '../rpc/pages.ts';
import type { Loss, MissingInterface } from './events.ts';
import type { Registered, Registering, Registrar } from './register.ts';
import type { Registration } from './registration.ts';

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
    const read = () => requestGranted(context, 'events', { from }, attemptOptions(limits));
    const page = await unlessCompacted(retried(context, limits, read));
    if (page === 'compacted') return { isComplete: false };
    const last = page.events.at(-1);
    if (!last) return { isComplete: true };
    yield* page.events;
    from = last.rev;
  }
}

/** The limits of one call within a recovery. */
function attemptOptions({ attemptMs, signal }: RecoveryLimits): RequestOptions {
  return { signal, timeoutMs: attemptMs, longestBackoffMs: attemptMs };
}

/** Repeats the attempt while its error is retryable, or `isTemporary`, and time is left. */
async function retried<Result>(
  { clock }: Context,
  { endsMono, attemptMs, signal }: RecoveryLimits,
  attempt: () => Promise<Result>,
  isTemporary: (error: MgmError) => boolean = () => false,
): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const isWorthIt = isMgmError(error) && (error.retryable || isTemporary(error));
      if (!isWorthIt || signal.aborted || clock.monoMs() >= endsMono) throw error;
      await pause(clock, backoffMs(count, error.retryAfterMs, attemptMs), signal);
    }
  }
}

/** A session that was registered again, and what it got back. */
export interface Recovered {
  readonly registration: Registration;
  readonly regained: readonly HeldInterface[];
  /** Those of `regained` that were inherited. */
  readonly inherited: readonly HeldInterface[];
  readonly missing: readonly MissingInterface[];
}

export interface RecoveryPlan extends RecoveryLimits {
  readonly context: Context;
  readonly registrar: Registrar;
  readonly registrant: Registering;
  readonly verdict: Verdict;
  /** The session that was lost. */
  readonly former: SessionId;
  /** What the lost session held. */
  readonly wanted: readonly InterfaceKey[];
  /** Their epochs by key text, if no other client can have held them since: sent with the takes. */
  readonly had: ReadonlyMap<string, Epoch>;
  /** The settings of what the lost session held: sent with the takes as far as they go there. */
  readonly settings: SettingsRecord;
  readonly begin: (registered: Registered) => Registration;
}

/**
 * Registers again and takes again what a lost session held. Never by `takeover`: a process that has registered as the
 * pair meanwhile did so on purpose; `resumes` inherits from the lost session and from no other. A registration that is
 * lost during this is made once more. Rejects with {@link MgmError} if the session can't be recovered.
 */
export async function recover(plan: RecoveryPlan): Promise<Recovered> {
  const { context, endsMono, signal } = plan;
  for (let attempt = 1; ; attempt++) {
    try {
      return await recoverOnce(plan);
    } catch (error) {
      const lostAgain = isMgmError(error, 'session-lost') && !signal.aborted;
      if (!lostAgain || context.clock.monoMs() >= endsMono) throw error;
      await pause(context.clock, backoffMs(attempt), signal);
    }
  }
}

async function recoverOnce(plan: RecoveryPlan): Promise<Recovered> {
  const registration = plan.begin(await registerAgain(plan));
  try {
    const inherited = await adoptWanted(plan, registration);
    const held = new Set(inherited.map(({ key }) => keyText(key)));
    const left = plan.wanted.filter((key) => !held.has(keyText(key)));
    const { taken, missing } = await takeAgain(plan, registration, left);
    return { registration, regained: [...inherited, ...taken], inherited, missing };
  } catch (error) {
    registration.lose('orphaned');
    throw error;
  }
}

async function registerAgain(plan: RecoveryPlan): Promise<Registered> {
  const { context, registrar } = plan;
  // A `resumes` that the store does not know tells it that it lost data.
  const mayResume = plan.verdict === 'still-live' || plan.verdict === 'data-lost';
  const resumes = mayResume ? plan.former : undefined;
  const registrant = { ...plan.registrant, takeover: false, resumes };
  const attempt = () => registrar.register(registrant, attemptOptions(plan));
  // This side considers a lease over before the store does, which may still have the old session.
  const isOldSession = (error: MgmError): boolean =>
    error.reason === 'already-registered' && plan.verdict === 'lease-expired';
  return await retried(context, plan, attempt, isOldSession);
}

/** Adopts what was inherited and is wanted. The rest is what the lost session was releasing. */
async function adoptWanted(
  plan: RecoveryPlan,
  registration: Registration,
): Promise<HeldInterface[]> {
  if (!registration.resumed) return [];
  const wanted = new Set(plan.wanted.map(keyText));
  const inherited = await registration.adopt({ signal: plan.signal });
  const unwanted = inherited.filter(({ key }) => !wanted.has(keyText(key)));
  await Promise.allSettled(unwanted.map((ownership) => ownership.release()));
  return inherited.filter(({ key }) => wanted.has(keyText(key)));
}

async function takeAgain(
  plan: RecoveryPlan,
  registration: Registration,
  keys: readonly InterfaceKey[],
): Promise<{ taken: HeldInterface[]; missing: MissingInterface[] }> {
  const taken: HeldInterface[] = [];
  const missing: MissingInterface[] = [];
  let left = keys;
  for (let round = 1; left.length > 0; round++) {
    const again: InterfaceKey[] = [];
    const { signal } = plan;
    const takes = left.map((key) => {
      const { localMembers } = plan.settings.get(key) ?? {};
      const options = { signal, had: plan.had.get(keyText(key)), localMembers };
      return registration.interfaces.take(key, SHARED_GROUP, options);
    });
    for (const [at, result] of (await Promise.allSettled(takes)).entries()) {
      const key = left[at];
      if (!key) continue;
      if (result.status === 'fulfilled') taken.push(result.value);
      else if (isWorthRepeating(result.reason, plan)) again.push(key);
      else missing.push({ ...key, error: asMgmError(result.reason) });
    }
    const over = registration.over();
    if (over) throw over;
    left = again;
    if (left.length > 0) await pause(plan.context.clock, backoffMs(round), signal);
  }
  return { taken, missing };
}

/** No manager, a store that cannot write, overload: temporary. A refusal because of the present state is not. */
function isWorthRepeating(error: unknown, { context, endsMono, signal }: RecoveryPlan): boolean {
  if (!isMgmError(error) || signal.aborted || context.clock.monoMs() >= endsMono) return false;
  return error.retryable && error.reason !== 'session-lost';
}

function asMgmError(error: unknown): MgmError {
  if (error instanceof MgmError) return error;
  throw error;
}
