import { randomUUID } from 'node:crypto';
import { connect, ProtocolId } from '@mgm/client';
import { type Handle, NO_NEXT_HOP, routerName } from '@mgm/protocol';
import { openStore, type Store } from '@mgm/store';
import { Redis } from 'ioredis';
import { ok } from '../support/raw-answers.ts';
import { Protocols } from '../support/raw-client.ts';
import { pairs, type RawSession } from '../support/raw-session.ts';
import { type Figure, median } from './figures.ts';
import { inFlight } from './load.ts';
import { Numbering } from './numbering.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';

/** Takes of one way and round. */
const TAKES = 32_768;
const AT_ONCE = 1024;
const BULK = 256;
/** Requests of a bulk under way: as many interfaces as the others have. */
const BULKS_AT_ONCE = AT_ONCE / BULK;
const LONG_TTL_MS = 300_000;

/** Takes everything once and gives it back; answers how long the taking took, in ms. */
type Way = () => Promise<number>;

/** Takes per second through one manager, by several ways in turn, and beside them what bare Redis does. */
export async function takes(rig: Rig, { rounds }: Size): Promise<Figure[]> {
  await using opened = new AsyncDisposableStack();
  const ways = await openWays(rig, opened);
  const rates = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const rate = (TAKES * 1000) / (await way());
      rig.say(`round ${round} of ${rounds}: ${name} ${Math.round(rate)}/s`);
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  return [...rates].map(([what, values]) => ({ what, value: median(values), unit: '/s' }));
}

async function openWays(rig: Rig, opened: AsyncDisposableStack): Promise<Record<string, Way>> {
  const register = (): Promise<RawSession> => rig.router().register({ ttlMs: LONG_TTL_MS });
  const single = await register();
  const numbering = new Numbering();
  const bulk = await register();
  return {
    [`bus, one per message, ${AT_ONCE} in flight`]: () => oneByOne(single, numbering),
    [`client library, ${AT_ONCE} in flight`]: await throughClient(rig, opened),
    [`bus, ${BULK} per message, ${BULKS_AT_ONCE} in flight`]: () => inBulk(bulk),
    [`store, one per call, ${AT_ONCE} in flight`]: await throughStore(rig, opened),
    [`SET NX PX, ${AT_ONCE} in flight`]: plainRedis(rig, opened),
  };
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedMono = performance.now();
  await run();
  return performance.now() - startedMono;
}

async function oneByOne(session: RawSession, numbering: Numbering): Promise<number> {
  const { router, handle } = session;
  const change = (op: 'take' | 'release', ifIndex: number): Promise<void> =>
    numbering.use(async (numbers) => {
      ok(await router.request(op, { handle, ...numbers, ifIndex }));
    });
  const tookMs = await timed(() => inFlight(TAKES, AT_ONCE, (at) => change('take', at + 1)));
  await inFlight(TAKES, AT_ONCE, (at) => change('release', at + 1));
  return tookMs;
}

/** Each request is of a session of its own, so that its numbers need no window. */
async function inBulk(first: RawSession): Promise<number> {
  const { router } = first;
  const sessions = await Promise.all(
    Array.from({ length: BULKS_AT_ONCE }, (_, at) =>
      router.register({ protocolId: Protocols.dvmrp, componentId: at + 1, ttlMs: LONG_TTL_MS }),
    ),
  );
  const share = TAKES / BULKS_AT_ONCE;
  const takeShare = async (session: RawSession, at: number): Promise<void> => {
    for (let done = 0; done < share; done += BULK) {
      ok(await session.takeAll(pairs(BULK, at * share + done + 1)));
    }
  };
  const tookMs = await timed(async () => {
    await Promise.all(sessions.map(takeShare));
  });
  for (const session of sessions) ok(await session.deregister({ force: true }));
  return tookMs;
}

async function throughClient(rig: Rig, opened: AsyncDisposableStack): Promise<Way> {
  const mgm = opened.use(await connect({ servers: rig.natsUrl, router: rig.router().name }));
  const session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  return async () => {
    const tookMs = await timed(() =>
      inFlight(TAKES, AT_ONCE, async (at) => {
        await session.takeInterfaceOwnership({ ifIndex: at + 1 });
      }),
    );
    await session.releaseInterfaces(
      Array.from({ length: TAKES }, (_, at) => ({ ifIndex: at + 1 })),
    );
    return tookMs;
  };
}

async function throughStore(rig: Rig, opened: AsyncDisposableStack): Promise<Way> {
  const store: Store = opened.use(openStore({ url: rig.redisUrl }));
  // Registered through the manager, so that its sweeps keep the service clock going.
  const session = await rig.router().register({ ttlMs: LONG_TTL_MS });
  const router = routerName(session.router.name);
  const handle = session.handle as Handle;
  const numbering = new Numbering();
  const change = (operation: 'take' | 'release', ifIndex: number): Promise<void> =>
    numbering.use(async (numbers) => {
      const targets = [{ ifIndex, nextHop: NO_NEXT_HOP }];
      ok(await store.execute(router, operation, { handle, ...numbers, targets, bulk: false }));
    });
  return async () => {
    const tookMs = await timed(() => inFlight(TAKES, AT_ONCE, (at) => change('take', at + 1)));
    await inFlight(TAKES, AT_ONCE, (at) => change('release', at + 1));
    return tookMs;
  };
}

function plainRedis(rig: Rig, opened: AsyncDisposableStack): Way {
  const redis = new Redis(rig.redisUrl);
  opened.defer(() => redis.disconnect());
  const prefix = `plain:${randomUUID()}:`;
  return async () => {
    const tookMs = await timed(() =>
      inFlight(TAKES, AT_ONCE, async (at) => {
        await redis.set(`${prefix}${at}`, 'owner', 'PX', LONG_TTL_MS, 'NX');
      }),
    );
    await inFlight(TAKES, AT_ONCE, async (at) => {
      await redis.del(`${prefix}${at}`);
    });
    return tookMs;
  };
}
