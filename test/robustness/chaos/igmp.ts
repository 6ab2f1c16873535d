import { type IgmpCallback, type Mgm, ProtocolId, type Session } from '@mgm/client';
import { expect } from 'vitest';
import { ofIgmp } from './load.ts';
import type { Observer } from './observer.ts';

/** An IGMP session, and what it was told: type, interface and revision. */
export interface Listener {
  readonly session: Session;
  readonly handled: string[];
}

/** An IGMP session that writes down its callbacks, and takes its time for some. */
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

/** What IGMP is to be told by these changes: a pair for each one of a routing protocol on its interfaces. */
export function callbacksDue(all: Observer, at: number): string[] {
  const mine = new Set(ofIgmp(at).map(({ ifIndex }) => ifIndex));
  return all.events
    .filter(({ type, ifIndex = 0 }) => /^(taken|released)$/.test(type) && mine.has(ifIndex))
    .flatMap(({ ifIndex, rev }) => [
      `DISABLE_IGMP ${ifIndex} ${rev}`,
      `ENABLE_IGMP ${ifIndex} ${rev}`,
    ]);
}
