/**
 * Eight workers, four IGMP sessions and three watchers, each behind a proxy of its own that delays, drops and cuts, with
 * managers that are killed and started at random. No watcher may miss or repeat an event, no callback may be lost or handled
 * twice, and all of them end with the state that `interfaces` lists.
 *
 * The proxies work on bytes. Dropping some of a NATS stream would only break its framing, so a drop holds everything, or loses
 * all replies, and then cuts the connection. Repeats are made on the bus: events, heads and callbacks are published again,
 * late.
 *
 *     MGM_CHAOS_CHANGES=100000    number of changes (default 20000); takes about a minute
 *     MGM_CHAOS_SEED=1            the seed of a failed run: the same faults, although they may hit other messages
 */
import { type Mgm, ProtocolId, type Session } from '@mgm/client';
import { eventually, notBreakable } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { startWorld, type World } from '../../faults/own-servers.ts';
import { breakManagers, breakNetwork, repeatMessages, type FaultCounts } from './faults.ts';
import { callbacksDue, listener, type Listener } from './igmp.ts';
import { Lines, ROUTER } from './lines.ts';
import { work, WORKERS } from './load.ts';
import { listed, Observer, type Holds } from './observer.ts';
import { Chance } from '../../support/chance.ts';
import { chaosSettings, type ChaosSettings } from './settings.ts';

const settings = chaosSettings(process.env);
const MANAGERS = 2;
const IGMP_SESSIONS = 4;
/** Longer than any fault: no session may be lost here, since its callbacks would end with it. */
const TTL_MS = 60_000;
const SETTLED = { withinMs: 60_000, everyMs: 100 };
/** The load ends with its number of changes: half a minute on an idle machine, ten times as long on a busy one. */
const TIMEOUT_MS = 600_000;

function countUp(after: number, to: number): number[] {
  return Array.from({ length: to - after }, (_, at) => after + at + 1);
}

/** The listed state, which must not change while it is read. */
async function listing(mgm: Mgm): Promise<{ readonly holds: Holds; readonly rev: number }> {
  const pages = await Array.fromAsync(mgm.interfacePages({ limit: 1_000 }));
  const revs = new Set(pages.map(({ rev }) => rev));
  expect(revs.size).toBe(1);
  return { holds: listed(pages.flatMap(({ items }) => items)), rev: [...revs][0] ?? 0 };
}

/** The ownerships of a session, from its own view. */
function owned({ session }: { readonly session: Session }, role: string): string[] {
  return session.ownerships.map(
    ({ ifIndex, epoch }) => `${ifIndex} ${role} ${session.id} ${epoch}`,
  );
}

/** All clients of the router, and a watcher without a proxy. */
interface Cast {
  readonly mgm: Mgm;
  readonly all: Observer;
  readonly workers: readonly { readonly session: Session }[];
  readonly listeners: readonly Listener[];
  readonly watchers: readonly Observer[];
  /** Lost sessions. There must be none. */
  readonly lost: unknown[];
}

async function startCast(
  lines: Lines,
  scope: AsyncDisposableStack,
  changes: number,
): Promise<Cast> {
  const mgm = await lines.direct();
  const all = scope.use(new Observer(mgm, { from: 0 }));
  const listeners: Listener[] = [];
  for (let at = 0; at < IGMP_SESSIONS; at++)
    listeners.push(await listener(await lines.faulty(), at, TTL_MS));
  const workers: { readonly session: Session }[] = [];
  for (let at = 0; at < WORKERS; at++) workers.push({ session: await worker(lines, at) });
  const lost: unknown[] = [];
  for (const { session } of [...workers, ...listeners]) session.on('lost', (how) => lost.push(how));
  /** Pauses a watcher for half of the load. */
  const pausing = async (seen: number): Promise<void> => {
    if (seen !== Math.floor(changes / 5)) return;
    const enough = (): void => expect(all.rev).toBeGreaterThan(changes * 0.7);
    await eventually(enough, { withinMs: 600_000, everyMs: 100 });
  };
  const watchers = [
    scope.use(new Observer(await lines.faulty())),
    scope.use(new Observer(await lines.faulty(), { from: 0 })),
    scope.use(new Observer(await lines.faulty(), { from: 0 }, pausing)),
  ];
  return { mgm, all, workers, listeners, watchers, lost };
}

async function worker(lines: Lines, at: number): Promise<Session> {
  const protocolId = at % 2 === 0 ? ProtocolId.PIM : ProtocolId.DVMRP;
  const mgm = await lines.faulty();
  return await mgm.registerProtocol({ protocolId, componentId: at + 1, ttlMs: TTL_MS });
}

/** Runs the load under faults. Resolves when enough changes were made and all faults are healed. */
async function loadUnderFaults(
  { workers, all }: Cast,
  lines: Lines,
  world: World,
  settings: ChaosSettings,
): Promise<FaultCounts> {
  const counts: FaultCounts = {};
  const chance = new Chance(settings.seed);
  const ending = new AbortController();
  const repeating = repeatMessages(world.nats, ROUTER, chance.fork(), counts);
  const faults = [
    breakNetwork(lines.proxies, chance.fork(), counts, ending.signal),
    breakManagers(world.managers, chance.fork(), counts, ending.signal),
  ];
  try {
    await Promise.all(
      workers.map(({ session }, at) => work(session, at, settings, () => all.rev, chance.fork())),
    );
  } finally {
    ending.abort();
    repeating[Symbol.dispose]();
    await Promise.all(faults);
  }
  return counts;
}

async function expectOneState({ mgm, all, watchers, workers, listeners }: Cast): Promise<void> {
  const { holds, rev } = await listing(mgm);
  for (const one of [all, ...watchers]) {
    expect(one.rev).toBe(rev);
    expect([...one.holds].toSorted()).toEqual([...holds].toSorted());
  }
  const believed = [
    ...workers.flatMap((one) => owned(one, 'owner')),
    ...listeners.flatMap((one) => owned(one, 'igmp')),
  ];
  expect(believed.toSorted()).toEqual([...holds].toSorted());
  const due = listeners.map((_, at) => callbacksDue(all, at));
  expect(listeners.map(({ handled }) => handled.length)).toEqual(due.map(({ length }) => length));
  expect(listeners.map(({ handled }) => handled)).toEqual(due);
}

function expectEachRevisionOnce({ marks, revs, rev }: Observer): void {
  const [begin] = marks;
  const after = begin?.kind === 'snapshot' ? begin.rev : 0;
  expect(marks.map(({ kind }) => kind)).toEqual(after > 0 ? ['snapshot', 'synced'] : ['synced']);
  expect(revs).toEqual(countUp(after, rev));
}

async function chaos(settings: ChaosSettings, world: World): Promise<FaultCounts> {
  await using scope = new AsyncDisposableStack();
  const lines = new Lines(world, scope);
  const cast = await startCast(lines, scope, settings.changes);
  const begunMono = performance.now();
  const counts = await loadUnderFaults(cast, lines, world, settings);
  const loadMs = Math.round(performance.now() - begunMono);
  await eventually(() => expectOneState(cast), SETTLED);
  expect(cast.lost).toEqual([]);
  for (const one of [cast.all, ...cast.watchers]) expectEachRevisionOnce(one);
  const callbacks = cast.listeners.reduce((sum, { handled }) => sum + handled.length, 0);
  const settledMs = Math.round(performance.now() - begunMono) - loadMs;
  return { ...counts, changes: cast.all.rev, callbacks, loadMs, settledMs };
}

it(
  `${settings.changes} changes under faults: every watcher sees each once and in order`,
  { timeout: TIMEOUT_MS + 3 * settings.loadMs },
  async (context) => {
    const reason = notBreakable();
    context.skip(reason !== undefined, reason);
    await using world = await startWorld({ managers: MANAGERS });
    const counts = await chaos(settings, world).catch((cause: unknown) => {
      throw new Error(`seed ${settings.seed} (MGM_CHAOS_SEED): ${String(cause)}`, { cause });
    });
    await context.annotate(`seed ${settings.seed}: ${JSON.stringify(counts)}`);
    expect(counts['changes']).toBeGreaterThanOrEqual(settings.changes);
  },
);
