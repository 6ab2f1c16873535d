import { type IgmpCallback, type Mgm, ProtocolId, type Session } from '@mgm/client';
import { expect } from 'vitest';
import { ofIgmp } from './load.ts';
import type { Observer } from './observer.ts';

/** An IGMP session, and its handled callbacks: type, interface and revision. */
export interface Listener {
  readonly session: Session;
  readonly handled: string[];
}

/** Registers an IGMP session that records its callbacks and handles some of them slowly. */
export async function listener(mgm: Mgm, at: number, ttlMs: number): Promise<Listener> {
  const handled: string[] = [];
  const handle = async ({ type, ifIndex, rev }: IgmpCallback): Promise<void> => {
    handled.push(`${type} ${ifIndex} ${rev}`);
    if (handled.length % 50 === 0) await new Promise(setImmediate);
  };
  const session = await mgm.registerProtocol({
    protocolId: ProtocolId.IGMP,
    componentId: at + 1,
    ttlMs,
    onDisableIgmp: handle,
    onEnableIgmp: handle,
  });
  const results = await session.takeInterfaces(ofIgmp(at));
  expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
  return { session, handled };
}

/** The callbacks due to an IGMP session: a pair for each change by a routing protocol on its interfaces. */
export function callbacksDue(all: Observer, at: number): string[] {
  const mine = new Set(ofIgmp(at).map(({ ifIndex }) => ifIndex));
  return all.events
    .filter(({ type, ifIndex = 0 }) => /^(taken|released)$/.test(type) && mine.has(ifIndex))
    .flatMap(({ ifIndex, rev }) => [
      `DISABLE_IGMP ${ifIndex} ${rev}`,
      `ENABLE_IGMP ${ifIndex} ${rev}`,
    ]);
}
