import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { watchDeath } from './death-watch.ts';
import { type Figure, ratio, type Target } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { lasting, takeMany } from './load.ts';
import { Bystanders } from './bystanders.ts';
import type { Rig } from './rig.ts';
import { ScriptTimes } from './script-times.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

const TTL_MS = 2_000;
const KEPT_EVERY_MS = TTL_MS / 4;
const LONG_TTL_MS = 300_000;
const WITHIN_MS = 8_000;
const SCRIPT_MS = 10;
/** The allowed ratio of the latency of other workers to that before the sweep. */
const SLOWER_MAX = 2;

interface Case {
  readonly igmp: boolean;
  /** Concurrent requests of other workers; 0 for none. */
  readonly width: number;
}

const CASES: readonly Case[] = [
  { igmp: false, width: 0 },
  { igmp: false, width: 1 },
  { igmp: true, width: 64 },
];

interface Death {
  readonly tookMs: number;
  readonly scriptsMs: readonly number[];
  readonly before: readonly number[];
  readonly during: readonly number[];
}

/** The end of a session with many interfaces: the time until all are free, and the latency of other workers. */
export async function sweep(rig: Rig, size: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const { rounds } = size;
  const deaths = CASES.map((): Death[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [at, one] of CASES.entries()) {
      rig.say(`round ${round} of ${rounds}: ${nameOf(one)}`);
      deaths[at]?.push(await die(rig, fleet, one, size));
    }
  }
  return CASES.flatMap((one, at) => figuresOf(one, deaths[at] ?? []));
}

function nameOf({ igmp, width }: Case): string {
  const others = width === 0 ? 'no other load' : `${width} in flight`;
  return `${igmp ? 'with' : 'no'} IGMP, ${others}`;
}

function figuresOf(one: Case, deaths: readonly Death[]): Figure[] {
  const figure = (
    id: string,
    what: string,
    read: (death: Death) => number,
    target?: Target,
  ): Figure => ({
    id: `sweep.${one.igmp ? 'igmp' : 'plain'}-${one.width}.${id}`,
    what: `${nameOf(one)}: ${what}`,
    unit: 'ms',
    values: deaths.map(read),
    ...(target && { target }),
  });
  const of = [
    figure('all', 'until all are free', (death) => death.tookMs, { atMost: WITHIN_MS }),
    figure('script-p50', 'script p50', (death) => quantile(death.scriptsMs, 0.5)),
    figure('script-p99', 'script p99', (death) => quantile(death.scriptsMs, 0.99), {
      atMost: SCRIPT_MS,
    }),
    figure('script-max', 'script longest', (death) => quantile(death.scriptsMs, 1)),
  ];
  if (one.width === 0) return of;
  const before = figure('before', 'others before, p99', (death) => quantile(death.before, 0.99));
  const during = figure('during', 'others meanwhile, p99', (death) => quantile(death.during, 0.99));
  const id = `sweep.${one.igmp ? 'igmp' : 'plain'}-${one.width}.slower`;
  const what = `${nameOf(one)}: others meanwhile / before`;
  return [...of, before, during, ratio(id, what, [during, before], { atMost: SLOWER_MAX })];
}

async function die(
  rig: Rig,
  fleet: Fleet,
  { igmp, width }: Case,
  { dying: interfaces, settleSeconds }: Size,
): Promise<Death> {
  const router = rig.router(fleet);
  if (igmp) await takeMany(await registerIgmp(router), interfaces);
  const dying = await router.register({ ttlMs: TTL_MS });
  const keeping = setInterval(() => void dying.keepalive(), KEPT_EVERY_MS);
  try {
    await takeMany(dying, interfaces);
    await using others = await Bystanders.start(router, width);
    await using scripts = await ScriptTimes.start(rig.redis);
    await lasting(settleSeconds * 1000);
    const { keyPrefix } = fleet;
    const over = await watchDeath(rig.redis, { keyPrefix, router, interfaces });
    clearInterval(keeping);
    await scripts.forget();
    const { beganMono, endedMono, tookMs } = await over();
    await others.stop();
    return {
      tookMs,
      scriptsMs: await scripts.ofSweeps(),
      before: others.latencies(-Infinity, beganMono),
      during: others.latencies(beganMono, endedMono),
    };
  } finally {
    clearInterval(keeping);
  }
}

function registerIgmp(router: RawRouter): Promise<RawSession> {
  return router.register({ protocolId: Protocols.igmp, ttlMs: LONG_TTL_MS });
}
