import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError, type Session } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import type { Chance } from '../../support/chance.ts';
import type { ChaosSettings } from './settings.ts';

/** Number of interfaces of each worker alone, and of those that all workers contend for. */
const OWN = 100;
const SHARED = 20;
export const WORKERS = 8;
const SHARED_FROM = WORKERS * OWN;

/** The interfaces that worker `at` (from 0) takes and releases. */
function wanted(at: number): { readonly ifIndex: number }[] {
  const own = Array.from({ length: OWN }, (_, of) => ({ ifIndex: at * OWN + of + 1 }));
  const shared = Array.from({ length: SHARED }, (_, of) => ({ ifIndex: SHARED_FROM + of + 1 }));
  return [...own, ...shared];
}

/** The interfaces of IGMP session `at` of four: some of two workers, and some contended ones. */
export function ofIgmp(at: number): { readonly ifIndex: number }[] {
  const own = [2 * at, 2 * at + 1].flatMap((worker) => wanted(worker).slice(0, OWN / 10));
  return [...own, ...wanted(0).slice(OWN + at * (SHARED / 4), OWN + (at + 1) * (SHARED / 4))];
}

/**
 * Takes and releases until the router has made enough changes, spread evenly over the time of the load. Failed changes are tried
 * again in the next round. At the end the worker owns about half of its interfaces.
 */
export async function work(
  session: Session,
  at: number,
  { changes, loadMs }: ChaosSettings,
  rev: () => number,
  chance: Chance,
): Promise<void> {
  const refs = wanted(at);
  const begunMono = performance.now();
  const half = () => refs.filter(() => chance.next() < 0.5);
  while (rev() < changes) {
    await untilLive(session);
    await gently(() => session.takeInterfaces(half()));
    await gently(() => session.releaseInterfaces(half()));
    const earlyMs = begunMono + (rev() / changes) * loadMs - performance.now();
    await delay(Math.min(1_000, Math.max(1, earlyMs)));
  }
  await untilLive(session);
  await gently(() => session.takeInterfaces(half()));
}

async function untilLive(session: Session): Promise<void> {
  const live = (): void => {
    if (session.state === 'recovering') throw new Error('recovering');
  };
  await eventually(live, { withinMs: 60_000 });
}

/** Makes a change, and ignores that the session was lost. */
async function gently(change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!isMgmError(error, 'session-lost')) throw error;
  }
}
