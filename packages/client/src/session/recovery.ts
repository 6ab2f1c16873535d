import type { Epoch, InterfaceKey, SessionId } from '@mgm/protocol';
import { isMgmError, MgmError } from '../errors.ts';
import { SHARED_GROUP } from '../interfaces/pending-call.ts';
import { keyText } from '../interfaces/key.ts';
import type { SettingsRecord } from '../interfaces/settings.ts';
import type { HeldInterface } from '../ownership.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import type { MissingInterface } from './events.ts';
import { attemptOptions, type RecoveryLimits, type Verdict } from './loss.ts';
import type { Registered, Registering, Registrar } from './register.ts';
import type { Registration } from './registration.ts';

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
  const { context, registrar, attemptMs, signal } = plan;
  // A `resumes` that the store does not know tells it that it lost data.
  const mayResume = plan.verdict === 'still-live' || plan.verdict === 'data-lost';
  const resumes = mayResume ? plan.former : undefined;
  const registrant = { ...plan.registrant, takeover: false, resumes };
  for (let attempt = 1; ; attempt++) {
    try {
      return await registrar.register(registrant, attemptOptions(plan));
    } catch (error) {
      if (!isMgmError(error) || !isWorthWaiting(error, plan)) throw error;
      await pause(context.clock, backoffMs(attempt, error.retryAfterMs, attemptMs), signal);
    }
  }
}

function isWorthWaiting(
  error: MgmError,
  { verdict, context, endsMono, signal }: RecoveryPlan,
): boolean {
  if (signal.aborted || context.clock.monoMs() >= endsMono) return false;
  // This side considers a lease over before the store does, which may still have the old session.
  const isOldSession = error.reason === 'already-registered' && verdict === 'lease-expired';
  return error.retryable || isOldSession;
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
