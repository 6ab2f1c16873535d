import { type AlertItem, type Ownership, ProtocolId, type Session } from '@mgm/client';
import { CONTENDED } from './plan.ts';
import { pause } from '../pause.ts';
import { isWorthWaiting, registerPatiently, type WorkerPlan } from './plan.ts';

/** Short, so that the effects of a killed worker soon become visible. */
const TTL_MS = 5_000;
const COMPONENT = 1;

/** PIM is resumed when it returns within its grace time, DVMRP loses everything with its lease. */
export const ROUTING = {
  PIM: { protocolId: ProtocolId.PIM, graceMs: 5_000 },
  DVMRP: { protocolId: ProtocolId.DVMRP, graceMs: 0 },
} as const;
export type RoutingName = keyof typeof ROUTING;

const STEP_MS = { min: 250, max: 750 } as const;
const HOLD_MS = { min: 1_500, max: 8_000 } as const;
const SESSION_MS = { min: 40_000, max: 80_000 } as const;
const AWAY_MS = { min: 500, max: 2_000 } as const;
/** More than half of the interfaces, so that the two protocols conflict. */
const HELD_MAX = 4;

/** A routing protocol: takes interfaces, holds each for some seconds, gives it back; sometimes registers again. */
export async function runRouting(name: RoutingName, plan: WorkerPlan): Promise<void> {
  const { random, signal, log, tell } = plan;
  // A routing protocol would begin or stop pulling the group; here it only reports.
  const onAlert = ({ type, group, source, cause }: AlertItem): void => {
    log(`${type} group ${group || '*'} source ${source || '*'} (${cause})`);
    tell({ kind: 'alerted', protocol: name, type });
  };
  const handlers = {
    ...{ onJoinAlert: onAlert, onPruneAlert: onAlert },
    ...{ onLocalJoin: onAlert, onLocalLeave: onAlert },
  };
  for (let takeover = plan.takeover; !signal.aborted; takeover = false) {
    const terms = { ...ROUTING[name], componentId: COMPONENT, name, ttlMs: TTL_MS, takeover };
    await using session = await registerPatiently(plan, { ...terms, ...handlers });
    if (!session) return;
    await contend(session, plan);
    log(
      session.signal.aborted ? `session lost: ${String(session.signal.reason)}` : 'deregistering',
    );
    await session[Symbol.asyncDispose]();
    await pause(random.between(AWAY_MS.min, AWAY_MS.max), signal);
  }
}

async function contend(session: Session, plan: WorkerPlan): Promise<void> {
  const { random } = plan;
  const endsMono = performance.now() + random.between(SESSION_MS.min, SESSION_MS.max);
  const signal = AbortSignal.any([plan.signal, session.signal]);
  const dueMono = new WeakMap<Ownership, number>();
  while (!signal.aborted && performance.now() < endsMono) {
    try {
      await step(session, dueMono, plan);
    } catch (error) {
      if (!isWorthWaiting(error)) throw error;
      plan.log(error.message);
    }
    await pause(random.between(STEP_MS.min, STEP_MS.max), signal);
  }
}

/** Gives back an interface that is due, else takes one more. Refusals are expected. */
async function step(
  session: Session,
  dueMono: WeakMap<Ownership, number>,
  { random, signal }: WorkerPlan,
): Promise<void> {
  const held = session.ownerships;
  const due = held.find((ownership) => (dueMono.get(ownership) ?? 0) <= performance.now());
  if (due) return await due.release({ signal });
  const free = CONTENDED.filter((ref) => !held.some((ownership) => isOf(ownership, ref)));
  const wanted = random.pick(free);
  if (!wanted || held.length >= HELD_MAX) return;
  const ownership = await session.takeInterfaceOwnership(wanted, { signal });
  dueMono.set(ownership, performance.now() + random.between(HOLD_MS.min, HOLD_MS.max));
}

function isOf(ownership: Ownership, ref: (typeof CONTENDED)[number]): boolean {
  return ownership.ifIndex === ref.ifIndex && ownership.nextHop === (ref.nextHop ?? '');
}
