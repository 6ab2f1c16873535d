import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Mgm } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import { machineMonoMs } from '../faults/worker-talk.ts';
import { Chance } from '../support/chance.ts';
import { CHECKS } from './check/all.ts';
import { checkAssumptions } from './check/assumptions.ts';
import { checkAvailability } from './check/availability.ts';
import { callsOf, type Evidence, type Finding } from './check/evidence.ts';
import { checkHostile } from './check/hostile.ts';
import { directUrls } from './direct.ts';
import { checkQuiescent, gather, leftoversOf } from './ending.ts';
import { keepEvidence } from './evidence-file.ts';
import { EvidenceReader } from './evidence-reader.ts';
import { type Incident, type Incidents, injectFaults } from './faults/schedule.ts';
import { untilHealthy } from './health.ts';
import { Phases } from './phases.ts';
import { countFaults, merged, type Report, verdictOf } from './report.ts';
import type { Settings } from './settings.ts';
import { onRedis } from './topology/on-redis.ts';
import { startHostileFlood } from './traffic/hostile-setup.ts';
import { Watcher } from './traffic/watcher.ts';
import { startWorld, TTL_MS, type World } from './world.ts';

/** Faults last shorter than a lease, and longer. */
const LASTING = [200, 4_500] as const;
const APART = [300, 1_500] as const;

/** Far above the time of a request that is repeated until a reply. */
const FLOOD_ENDS_WITHIN_MS = 60_000;

/**
 * The limits of the phases, in ms: above those of the single steps in them, which report more exactly what failed. A start may
 * fetch programs, and evidence and leftovers are collected router by router.
 */
const WITHIN_MS = {
  start: 6 * 60_000,
  healthy: 120_000,
  connect: 120_000,
  /** To inject one fault, and to heal it: both may start processes, and an overflow may need several attempts. */
  fault: 5 * 60_000,
  flood: 90_000,
  logs: 60_000,
  evidence: 4 * 60_000,
  leftovers: 3 * 60_000,
  shutDown: 60_000,
} as const;

/** One run from start to verdict. Rejects when it cannot start, and when a phase exceeds its limit. */
export async function run(
  settings: Settings,
  folder: string,
  say: (line: string) => void,
): Promise<Report> {
  const phases = new Phases(say);
  const scope = new AsyncDisposableStack();
  try {
    return await observe({ settings, folder, say, phases, scope });
  } finally {
    await phases.run('shut down', WITHIN_MS.shutDown, () => scope.disposeAsync());
  }
}

interface Running {
  readonly settings: Settings;
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly phases: Phases;
  /** Receives everything that has to end with the run. */
  readonly scope: AsyncDisposableStack;
}

async function observe({ settings, folder, say, phases, scope }: Running): Promise<Report> {
  const { topology, seed, seconds } = settings;
  const chance = new Chance(seed);
  await mkdir(folder, { recursive: true });
  say(`seed ${seed}, ${topology}, ${seconds} s; histories in ${folder}`);
  const world = await phases.run('start servers and managers', WITHIN_MS.start, async () =>
    scope.use(await startWorld(settings, folder, chance.fork(), say)),
  );
  say(world.servers.about);
  await phases.run('check that all managers serve', WITHIN_MS.healthy, () => untilHealthy(world));
  const { watchers } = await phases.run('connect watchers', WITHIN_MS.connect, async () =>
    scope.use(await watchAll(world)),
  );
  // Router by router: on a busy machine so many processes that start at once keep each other from connecting in time.
  for (const router of world.servers.routers) {
    const workers = world.workers.filter(({ plan }) => plan.router === router);
    for (const worker of workers) worker.start();
    const connected = (): Promise<void> => untilConnected(workers);
    await phases.run(`connect workers of ${router}`, WITHIN_MS.connect, connected);
  }
  const readers = await phases.run('connect readers', WITHIN_MS.connect, () =>
    EvidenceReader.ofAll(world, watchers),
  );
  for (const reader of readers) scope.use(reader);
  const flood = scope.use(
    startHostileFlood({
      servers: directUrls(world.servers.nats),
      routers: [...world.servers.routers],
      seed,
      perSecond: settings.hostilePerSecond,
    }),
  );
  const quiescent: Finding[] = [];
  const happened = await breakThings({
    ...{ world, settings, watchers, say, phases },
    chance: chance.fork(),
    quiesce: async (after) => {
      // One that does not hold is not looked for again: each look takes long.
      if (quiescent.some(({ problems }) => problems.length > 0)) return;
      quiescent.push(...(await checkQuiescent(world, readers, after)));
    },
  });
  const { incidents, broken } = happened;
  const isWhole = broken === undefined;
  const hostile = isWhole
    ? await phases.run('end the flood', WITHIN_MS.flood, () => flood.end(FLOOD_ENDS_WITHIN_MS))
    : undefined;
  await phases.run('keep logs', WITHIN_MS.logs, () => keepLogs(world, folder));
  if (broken !== undefined) say(broken);
  const evidence = isWhole
    ? await phases.run('collect evidence', WITHIN_MS.evidence, () => gather(world, readers))
    : [];
  const leftovers = isWhole
    ? await phases.run('look for leftovers', WITHIN_MS.leftovers, () => leftoversOf(world))
    : [];
  say('checking');
  const begunMono = performance.now();
  const findings = merged([
    checkAssumptions({ evidence, incidents, seconds }),
    checkRecovery(world, happened),
    ...quiescent,
    checkAvailability({ evidence, incidents, ttlMs: TTL_MS }),
    ...(hostile === undefined ? [] : [checkHostile(hostile)]),
    ...CHECKS.flatMap((check) => evidence.map((one) => check(one))),
    ...leftovers,
  ]);
  const checkerMs = Math.round(performance.now() - begunMono);
  return await reportOf({ settings, world, folder, incidents, evidence, findings, checkerMs });
}

/** Waits until every worker is connected: a fault of an unused link has no effect. */
async function untilConnected(workers: World['workers']): Promise<void> {
  const connected = (): void => {
    for (const { name, links, errorOutput } of workers) {
      const connections = links.reduce((sum, { proxy }) => sum + proxy.connections, 0);
      if (connections === 0) throw new Error(`${name} does not connect\n${errorOutput}`);
    }
  };
  await eventually(connected, { withinMs: 90_000, everyMs: 50 });
}

/** After each fault everything recovered, and no worker crashed. */
function checkRecovery({ workers }: World, { incidents, broken }: Incidents): Finding {
  const crashed = workers.filter((worker) => worker.hasCrashed);
  return {
    check: 'recovery',
    checked: incidents.length,
    problems: [
      ...(broken === undefined ? [] : [broken]),
      ...crashed.map(({ name, errorOutput }) => `${name} crashed\n${errorOutput}`),
    ],
  };
}

/** Keeps the last output of managers and servers with the histories. */
async function keepLogs({ managers, servers }: World, folder: string): Promise<void> {
  for (const one of managers) await writeFile(join(folder, `${one.name}.log`), one.output());
  for (const one of [...servers.redis, ...servers.others]) {
    const info = await onRedis(one, (redis) => redis.info()).catch(String);
    await writeFile(join(folder, `${one.name}.log`), `${await one.server.logs()}\n${info}`);
  }
}

interface Breaking {
  readonly world: World;
  readonly settings: Settings;
  readonly chance: Chance;
  readonly watchers: readonly Watcher[];
  readonly quiesce: (after: string) => Promise<void>;
  readonly say: (line: string) => void;
  readonly phases: Phases;
}

async function breakThings(breaking: Breaking): Promise<Incidents> {
  const { world, settings, chance, watchers, quiesce, say, phases } = breaking;
  const { seconds, faults: wanted } = settings;
  const untilMono = machineMonoMs() + seconds * 1_000;
  const faults = world.faults.filter(
    ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  );
  const happened = await injectFaults({
    faults,
    chance,
    untilMono,
    lasting: LASTING,
    apart: APART,
    health: () => untilHealthy(world),
    step: (name, task) => phases.run(name, WITHIN_MS.fault, task),
    quiesce,
    say: (line) => {
      const leftS = Math.round((untilMono - machineMonoMs()) / 1_000);
      const changes = watchers.reduce((sum, { rev }) => sum + rev, 0);
      say(`${leftS} s left, ${changes} changes seen; ${line}`);
    },
  });
  const leftMs = untilMono - machineMonoMs();
  if (leftMs > 0 && !happened.broken) await delay(leftMs);
  return happened;
}

/** Two watchers of each router: one without proxies, one behind the links of a worker. */
async function watchAll(world: World): Promise<AsyncDisposable & { readonly watchers: Watcher[] }> {
  await using starting = new AsyncDisposableStack();
  const watchers: Watcher[] = [];
  const watch = async (name: string, router: string, servers: readonly string[]): Promise<void> => {
    const mgm: Mgm = starting.use(await connect({ servers, router, name }));
    watchers.push(starting.use(new Watcher(name, mgm)));
  };
  for (const router of world.servers.routers) {
    await watch('direct watcher', router, directUrls(world.servers.nats));
    const links = world.workers.find(({ plan }) => plan.router === router)?.links ?? [];
    const urls = links.map(({ proxy }) => `nats://${proxy.host}:${proxy.port}`);
    await watch('watcher behind links', router, urls);
  }
  const scope = starting.move();
  return { watchers, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

interface Ran {
  readonly settings: Settings;
  readonly world: World;
  readonly folder: string;
  readonly incidents: readonly Incident[];
  readonly evidence: readonly Evidence[];
  readonly findings: readonly Finding[];
  readonly checkerMs: number;
}

async function reportOf(ran: Ran): Promise<Report> {
  const { settings, world, folder, incidents, evidence, findings, checkerMs } = ran;
  const calls = evidence.flatMap(callsOf);
  const verdict = verdictOf(findings);
  const isKept = verdict !== 'ok' || settings.keep !== undefined;
  if (isKept) await keepEvidence(folder, evidence);
  else await rm(folder, { recursive: true, force: true });
  return {
    verdict,
    settings,
    servers: world.servers.about,
    durability: world.servers.durability,
    calls: calls.length,
    unknown: calls.filter(({ told }) => told.told === 'unknown').length,
    changes: evidence.reduce((sum, { log }) => sum + log.length, 0),
    faults: countFaults(incidents),
    notAvailable: world.servers.without,
    slowestRecoveryMs: Math.max(0, ...incidents.map(({ recoveredMs }) => recoveredMs)),
    checkerMs,
    findings,
    histories: isKept ? folder : undefined,
  };
}
