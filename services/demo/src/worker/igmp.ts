import { type IgmpCallback, isMgmError, ProtocolId, type Session } from '@mgm/client';
import { interfaceText } from '@mgm/protocol';
import { pause } from '../pause.ts';
import {
  CHANNELS,
  isWorthWaiting,
  registerPatiently,
  WITH_HOSTS,
  type WorkerPlan,
} from './plan.ts';

const TERMS = { protocolId: ProtocolId.IGMP, componentId: 1, name: 'IGMP', ttlMs: 5_000 } as const;
const LOOK_EVERY_MS = 1_000;
/** At random intervals the last host leaves a link. */
const STAY_MS = { min: 15_000, max: 30_000 } as const;

/**
 * Holds the interfaces with hosts, in addition to their owner, and restarts there whenever the owner changes; the client
 * library then adds the memberships again. The hosts join and leave groups.
 */
export async function runIgmp(plan: WorkerPlan): Promise<void> {
  const { signal, log, tell } = plan;
  for (let takeover = plan.takeover; !signal.aborted; takeover = false) {
    // Between the two callbacks IGMP makes no membership calls on the interface.
    const disabled = new Set<string>();
    const onDisableIgmp = (callback: IgmpCallback): void =>
      void disabled.add(interfaceText(callback));
    const onEnableIgmp = (callback: IgmpCallback): void => {
      const name = interfaceText(callback);
      if (disabled.delete(name)) tell({ kind: 'igmp-restarted', interface: name });
    };
    await using session = await registerPatiently(plan, {
      ...TERMS,
      ...{ takeover, onDisableIgmp, onEnableIgmp },
    });
    if (!session) return;
    await holdInterfaces(session, plan);
    if (session.signal.aborted) log(`session lost: ${String(session.signal.reason)}`);
  }
}

async function holdInterfaces(session: Session, plan: WorkerPlan): Promise<void> {
  const { random, log } = plan;
  const signal = AbortSignal.any([plan.signal, session.signal]);
  let leaveMono = 0;
  const stay = (): void => {
    leaveMono = performance.now() + random.between(STAY_MS.min, STAY_MS.max);
  };
  stay();
  while (!signal.aborted) {
    try {
      await takeAll(session, signal);
      await joinOrLeave(session, plan, signal);
      if (performance.now() > leaveMono) {
        stay();
        await random.pick(session.ownerships)?.release({ signal });
      }
    } catch (error) {
      if (!isWorthWaiting(error)) throw error;
      log(error.message);
    }
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** The first host joins a channel on a link, or the last one leaves it. */
async function joinOrLeave(
  session: Session,
  { random, log }: WorkerPlan,
  signal: AbortSignal,
): Promise<void> {
  const link = random.pick(session.ownerships);
  const channel = random.pick(CHANNELS);
  if (!link || !channel) return;
  const ref = { ifIndex: link.ifIndex, nextHop: link.nextHop, ...channel };
  const isJoined = session.memberships.some(
    ({ ifIndex, group }) => ifIndex === ref.ifIndex && group === ref.group,
  );
  if (isJoined) await session.deleteGroupMembershipEntry(ref, { signal });
  else await session.addGroupMembershipEntry(ref, { signal });
  log(`${isJoined ? 'left' : 'joined'} ${ref.group} on ${interfaceText(ref)}`);
}

/** In one request; interfaces that it holds already are no error. */
async function takeAll(session: Session, signal: AbortSignal): Promise<void> {
  const missing = WITH_HOSTS.filter(
    ({ ifIndex }) => !session.ownerships.some((ownership) => ownership.ifIndex === ifIndex),
  );
  if (missing.length === 0) return;
  for (const result of await session.takeInterfaces(missing, { signal })) {
    if (result.kind === 'failed' && !isMgmError(result.error, 'already-taken')) throw result.error;
  }
}
