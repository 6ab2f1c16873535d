import { connect, ProtocolId } from '@mgm/client';
import { type Handle, NO_NEXT_HOP, routerName } from '@mgm/protocol';
import { openStore } from '@mgm/store';
import { ok } from '../support/raw-replies.ts';
import { pairs, Protocols, type RawSession } from '../support/raw-client.ts';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import { Numbering } from './numbering.ts';
import type { Rig } from './rig.ts';

/** Concurrent takes. */
export const AT_ONCE = 1024;
/** Interfaces of one message in bulk. */
export const BULK = 256;
/** Concurrent bulk requests: as many interfaces as for the other contenders. */
const BULKS_AT_ONCE = AT_ONCE / BULK;
/** On a busy machine the run is slow and does not fail. */
const PATIENCE_MS = 10_000;
const LONG_TTL_MS = 300_000;

/** Takes `count` free interfaces and releases them; resolves to the takes per second. */
export type Takes = (count: number) => Promise<number>;

/** One message per take. */
export async function oneByOne(rig: Rig, fleet: Fleet): Promise<Takes> {
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  return async (count) => {
    const rate = await perSecond(count, () =>
      inFlight(count, AT_ONCE, (at) => session.take(at + 1)),
    );
    await session.releaseMany(count);
    return rate;
  };
}

/** One call of the client library per take. */
export async function throughClient(rig: Rig, fleet: Fleet): Promise<Takes> {
  const { prefix } = fleet;
  const router = rig.router(fleet).name;
  const mgm = rig.owned.use(await connect({ servers: rig.natsServer.url, router, prefix }));
  const session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  return async (count) => {
    const rate = await perSecond(count, () =>
      inFlight(count, AT_ONCE, async (at) => {
        await session.takeInterfaceOwnership({ ifIndex: at + 1 });
      }),
    );
    await session.releaseInterfaces(
      Array.from({ length: count }, (_, at) => ({ ifIndex: at + 1 })),
    );
    return rate;
  };
}

/** Many takes per message. Each pending request has a session of its own, so that no window limits it. */
export async function inBulk(rig: Rig, fleet: Fleet): Promise<Takes> {
  const router = rig.router(fleet);
  return async (count) => {
    const sessions = await Promise.all(
      Array.from({ length: BULKS_AT_ONCE }, (_, at) =>
        router.register({ protocolId: Protocols.dvmrp, componentId: at + 1, ttlMs: LONG_TTL_MS }),
      ),
    );
    const share = count / BULKS_AT_ONCE;
    const takeShare = async (session: RawSession, at: number): Promise<void> => {
      for (let done = 0; done < share; done += BULK) {
        const length = Math.min(BULK, share - done);
        ok(await session.takeAll(pairs(length, at * share + done + 1)));
      }
    };
    const releaseShare = async (session: RawSession, at: number): Promise<void> => {
      for (let done = 0; done < share; done += BULK) {
        const length = Math.min(BULK, share - done);
        ok(await session.releaseAll(pairs(length, at * share + done + 1)));
      }
    };
    const rate = await perSecond(count, async () => {
      await Promise.all(sessions.map(takeShare));
    });
    // The next round must find them released: an interface that is not swept yet makes its next take slower.
    await Promise.all(sessions.map(releaseShare));
    for (const session of sessions) ok(await session.deregister({ force: true }));
    return rate;
  };
}

/** The store's batches and script alone: no bus. */
export async function throughStore(rig: Rig, fleet: Fleet): Promise<Takes> {
  const { url } = rig.redisServer;
  const store = rig.owned.use(
    openStore({ url, keyPrefix: fleet.keyPrefix, replyWithinMs: PATIENCE_MS }),
  );
  // Registered through the manager, whose sweeps advance the service clock.
  const session = await rig.router(fleet).register({ ttlMs: LONG_TTL_MS });
  const router = routerName(session.router.name);
  const handle = session.handle as Handle;
  const numbering = new Numbering();
  const change = (operation: 'take' | 'release', ifIndex: number): Promise<void> =>
    numbering.use(async (numbers) => {
      const targets = [{ ifIndex, nextHop: NO_NEXT_HOP }];
      ok(await store.execute(router, operation, { handle, ...numbers, targets, bulk: false }));
    });
  return async (count) => {
    const rate = await perSecond(count, () =>
      inFlight(count, AT_ONCE, (at) => change('take', at + 1)),
    );
    await inFlight(count, AT_ONCE, (at) => change('release', at + 1));
    return rate;
  };
}
