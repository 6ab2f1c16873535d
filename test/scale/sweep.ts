import { Protocols, type RawRouter } from '../support/raw-client.ts';
import type { RawSession } from '../support/raw-session.ts';
import { DeathWatch } from './death-watch.ts';
import { type Figure, limited, median, quantile } from './figures.ts';
import { lasting, takeMany } from './load.ts';
import { Bystanders } from './bystanders.ts';
import type { Rig } from './rig.ts';
import { ScriptTimes } from './script-times.ts';
import type { Size } from './size.ts';

const TTL_MS = 2_000;
const KEPT_EVERY_MS = TTL_MS / 4;
const LONG_TTL_MS = 300_000;
/** How long others are watched before the session dies. */
const BEFORE_MS = 4_000;
const WITHIN_MS = 3_000;
const SCRIPT_MS = 5;
const TIMES_SLOWER = 2;

interface Case {
  readonly igmp: boolean;
  /** Requests of others under way at the same time. */
  readonly width: number;
}

const CASES: readonly Case[] = [
  { igmp: false, width: 1 },
  { igmp: false, width: 64 },
  { igmp: true, width: 1 },
  { igmp: true, width: 64 },
];

interface Death {
  readonly tookMs: number;
  readonly scriptsMs: readonly number[];
  readonly before: readonly number[];
  readonly during: readonly number[];
}

/** A session with many interfaces dies: how long until all are free, and what the workers beside it notice. */
export async function sweep(rig: Rig, { interfaces, rounds }: Size): Promise<Figure[]> {
  const deaths = CASES.map((): Death[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [at, one] of CASES.entries()) {
      rig.say(`round ${round} of ${rounds}: ${nameOf(one)}`);
      deaths[at]?.push(await die(rig, one, interfaces));
    }
  }
  return CASES.flatMap((one, at) => figuresOf(nameOf(one), deaths[at] ?? []));
}

function nameOf({ igmp, width }: Case): string {
  return `${igmp ? 'with' : 'no'} IGMP, ${width} in flight`;
}

function figuresOf(name: string, deaths: readonly Death[]): Figure[] {
  const middle = (read: (death: Death) => number): number => median(deaths.map(read));
  const before = middle((death) => quantile(death.before, 0.99));
  const during = middle((death) => quantile(death.during, 0.99));
  const script = (part: number): number => middle((death) => quantile(death.scriptsMs, part));
  return [
    limited(
      `${name}: until all are free`,
      middle((death) => death.tookMs),
      'ms',
      WITHIN_MS,
    ),
    { what: `${name}: sweep script, p50`, value: script(0.5), unit: 'ms' },
    limited(`${name}: sweep script, p99`, script(0.99), 'ms', SCRIPT_MS),
    limited(`${name}: sweep script, longest`, script(1), 'ms', SCRIPT_MS),
    { what: `${name}: others before, p99`, value: before, unit: 'ms' },
    limited(`${name}: others meanwhile, p99`, during, 'ms', before * TIMES_SLOWER),
  ];
}

async function die(rig: Rig, { igmp, width }: Case, interfaces: number): Promise<Death> {
  const router = rig.router();
  if (igmp) await takeMany(await registerIgmp(router), interfaces);
  const dying = await router.register({ ttlMs: TTL_MS });
  const keeping = setInterval(() => void dying.keepalive(), KEPT_EVERY_MS);
  try {
    await takeMany(dying, interfaces);
    await using others = await Bystanders.start(router, width);
    await using scripts = await ScriptTimes.start(rig.redis);
    await lasting(BEFORE_MS);
    const watch = new DeathWatch(router, interfaces);
    clearInterval(keeping);
    await scripts.forget();
    const { beganMono, endedMono, tookMs } = await watch.over();
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
