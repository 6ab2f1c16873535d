import type { Epoch, InterfaceKey, SessionId } from '@mgm/protocol';
import { backoffMs } from '../rpc/backoff.ts';
import type { Context } from '../rpc/context.ts';
import { isMgmError, MgmError } from '../errors.ts';
import { SHARED_GROUP } from '../interfaces/operation.ts';
import { keyText } from '../interfaces/key.ts';
import type { HeldInterface } from '../ownership.ts';
import type { Registered, Registrant, Registrar } from './register.ts';
import type { Registration } from './registration.ts';
import { pause } from '../rpc/waiting.ts';
import { attempts, type Patience, type Verdict } from './loss.ts';

/** An interface that a session had and did not get back. */
export interface MissingInterface extends InterfaceKey {
  /** Why; `already-owned` names who has it now in `holder`. */
  readonly error: MgmError;
}

/** What became of what a lost session had. */
export interface Recovered {
  readonly registration: Registration;
  readonly regained: readonly HeldInterface[];
  readonly missing: readonly MissingInterface[];
}

export interface RecoveryPlan extends Patience {
  readonly context: Context;
  readonly registrar: Registrar;
  readonly registrant: Registrant;
  readonly verdict: Verdict;
  /** The session that was lost. */
  readonly former: SessionId;
  /** What the lost session had. */
  readonly wanted: readonly InterfaceKey[];
  /** The epoch of each, by its name, where nobody can have had it since: it is said with the take. */
  readonly had: ReadonlyMap<string, Epoch>;
  begin(registered: Registered): Registration;
}

/**
 * Registers again and takes again what a lost session had. Never by `takeover`: where somebody else has registered as the
 * pair meanwhile, that was meant; `resumes` inherits from the session that was lost and from no other. Rejects with {@link MgmError} where the session can't be had back.
 */
export async function recover(plan: RecoveryPlan): Promise<Recovered> {
  const registration = plan.begin(await registerAgain(plan));
  try {
    const inherited = await adoptWanted(plan, registration);
    const held = new Set(inherited.map(({ key }) => keyText(key)));
    const left = plan.wanted.filter((key) => !held.has(keyText(key)));
    const { taken, missing } = await takeAgain(plan, registration, left);
    return { registration, regained: [...inherited, ...taken], missing };
  } catch (error) {
    registration.lose('orphaned');
    throw error;
  }
}

async function registerAgain(plan: RecoveryPlan): Promise<Registered> {
  const { context, registrar, attemptMs, signal } = plan;
  // A store that lost data learns of it from a session that it has never given.
  const isToldOf = plan.verdict === 'outlived' || plan.verdict === 'forgotten';
  const resumes = isToldOf ? plan.former : undefined;
  const registrant = { ...plan.registrant, takeover: false, resumes };
  for (let attempt = 1; ; attempt++) {
    try {
      return await registrar.register(registrant, attempts(plan));
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
  // This side calls a lease over before the store does, which so has the old session for another moment.
  const isOldSession = error.reason === 'already-registered' && verdict === 'ran-out';
  return error.retryable || isOldSession;
}

/** What was inherited and is wanted. The rest is what the lost session had been giving back. */
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
    const options = { signal: plan.signal };
    const takes = left.map((key) =>
      registration.take(key, SHARED_GROUP, { ...options, had: plan.had.get(keyText(key)) }),
    );
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
    if (left.length > 0) await pause(plan.context.clock, backoffMs(round), plan.signal);
  }
  return { taken, missing };
}

/** No manager, a store that cannot write, too many at once: that passes. A refusal for what is so does not. */
function isWorthRepeating(error: unknown, { context, endsMono, signal }: RecoveryPlan): boolean {
  if (!isMgmError(error) || signal.aborted || context.clock.monoMs() >= endsMono) return false;
  return error.retryable && error.reason !== 'session-lost';
}

function asMgmError(error: unknown): MgmError {
  if (error instanceof MgmError) return error;
  throw error;
}
