import { connect, type EventMessage, isIgmp, type MembershipEvent, type Mgm } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import { checkCallbacks } from './check/callbacks.ts';
import type { Evidence, Finding, ProcessHistory } from './check/evidence.ts';
import { checkLeftovers, type LeftKey } from './check/leftovers.ts';
import { checkFinalState, checkWatchers } from './check/log.ts';
import { checkLocalAlerts } from './check/local-alerts.ts';
import { checkAlerts, checkMemberLog, checkMembers } from './check/memberships.ts';
import { directUrls } from './direct.ts';
import { onRedis } from './topology/on-redis.ts';
import { readHistory } from './traffic/history.ts';
import type { Watcher } from './traffic/watcher.ts';
import type { World } from './world.ts';

/** Pending calls end within their deadline, lost sessions within lease and grace. */
const RESTING_WITHIN_MS = 30_000;
const SETTLED_WITHIN_MS = 30_000;
const PAGE = 1_000;

/** Lets all workers rest, waits until the state is stable, and collects the evidence of each router. */
export async function gather(world: World, watchers: readonly Watcher[]): Promise<Evidence[]> {
  await Promise.all(world.workers.map((worker) => worker.rest(RESTING_WITHIN_MS)));
  const found: Evidence[] = [];
  for (const router of world.servers.routers) {
    await using mgm = await connect({ servers: directUrls(world.servers.nats), router });
    const mine = watchers.filter((one) => one.router === router);
    let last: Evidence | undefined;
    const settled = async (): Promise<void> => {
      last = await evidenceOf(world, mgm, mine);
      await refuseUnsettled(mgm, last);
    };
    // The checks report what is not stable by then.
    await eventually(settled, { withinMs: SETTLED_WITHIN_MS, everyMs: 500 }).catch(
      (error: unknown) => {
        if (!last) throw error;
      },
    );
    if (last) found.push(last);
  }
  return found;
}

/** Throws until abandoned sessions have expired, their interfaces are free, and all callbacks were handled. */
async function refuseUnsettled(mgm: Mgm, evidence: Evidence): Promise<void> {
  const sessions = await Array.fromAsync(mgm.sessions());
  const strangers = sessions.filter(({ session }) => !evidence.resting.includes(session));
  if (strangers.length > 0) throw new Error(`sessions not ended: ${JSON.stringify(strangers)}`);
  const settling = [
    checkWatchers,
    checkFinalState,
    checkCallbacks,
    checkMembers,
    checkMemberLog,
    checkAlerts,
    checkLocalAlerts,
  ];
  const findings = settling.map((check) => check(evidence));
  const [problem] = findings.flatMap(({ problems }) => problems);
  if (problem !== undefined) throw new Error(problem);
}

async function evidenceOf(world: World, mgm: Mgm, watchers: readonly Watcher[]): Promise<Evidence> {
  const { router } = mgm;
  const log = await wholeLog(mgm);
  const listing = await Array.fromAsync(mgm.interfaces());
  const processes = historiesOf(world, router);
  return {
    router,
    durability: world.servers.durability,
    processes,
    // A copy: later events, when all workers leave, are not checked.
    watchers: watchers.map(({ name, logs }) => ({ name, logs: structuredClone(logs) })),
    log,
    listing,
    memberLog: await wholeMemberLog(mgm),
    members: await Array.fromAsync(mgm.members()),
    resting: restingSessions(processes),
  };
}

function historiesOf({ workers }: World, router: string): ProcessHistory[] {
  return workers
    .filter(({ plan }) => plan.router === router)
    .flatMap(({ name, plan, histories }) =>
      histories.map(({ path, goneMono }) => ({
        worker: name,
        igmp: isIgmp(plan.protocolId),
        goneMono,
        entries: readHistory(path),
      })),
    );
}

/** The session of each running process, according to its history. */
function restingSessions(processes: readonly ProcessHistory[]): number[] {
  return processes.flatMap(({ entries, goneMono }) => {
    if (goneMono < Infinity) return [];
    const sessions = entries.flatMap((entry) =>
      entry.kind === 'returned' && entry.told === 'registered' ? [entry.session] : [],
    );
    const over = new Set(entries.map((entry) => (entry.kind === 'over' ? entry.session : 0)));
    return sessions.slice(-1).filter((session) => !over.has(session));
  });
}

async function wholeLog(mgm: Mgm): Promise<EventMessage[]> {
  const found: EventMessage[] = [];
  for (;;) {
    const { events, head } = await mgm.events(found.at(-1)?.rev ?? 0, { limit: PAGE });
    found.push(...events);
    if (events.length === 0 || (found.at(-1)?.rev ?? 0) >= head) return found;
  }
}

async function wholeMemberLog(mgm: Mgm): Promise<MembershipEvent[]> {
  const found: MembershipEvent[] = [];
  for (;;) {
    const { events, head } = await mgm.memberEvents(found.at(-1)?.mrev ?? 0, { limit: PAGE });
    found.push(...events);
    if (events.length === 0 || (found.at(-1)?.mrev ?? 0) >= head) return found;
  }
}

/** Lets all workers leave and checks the remaining keys of each router. */
export async function leftoversOf(world: World): Promise<Finding[]> {
  await Promise.all(world.workers.map((worker) => worker.leave(RESTING_WITHIN_MS)));
  const findings: Finding[] = [];
  for (const router of world.servers.routers) {
    let finding = checkLeftovers(router, []);
    const look = async (): Promise<void> => {
      finding = checkLeftovers(router, await keysOf(world, router));
      if (finding.problems.length > 0) throw new Error(finding.problems.join(', '));
    };
    // The finding lists the keys that remain after this time.
    await eventually(look, { withinMs: 10_000, everyMs: 250 }).catch(() => {});
    findings.push(finding);
  }
  return findings;
}

async function keysOf({ servers }: World, router: string): Promise<LeftKey[]> {
  const found: LeftKey[] = [];
  for (const primary of await servers.primaries()) {
    await onRedis(primary, async (redis) => {
      for await (const keys of redis.scanStream({ match: `mgm:{${router}}:*`, count: 1_000 })) {
        for (const key of keys as string[]) {
          const [keptForMs, bytes] = await Promise.all([
            redis.pttl(key),
            redis.memory('USAGE', key),
          ]);
          // The key may have expired in between.
          if (typeof bytes === 'number') found.push({ key, keptForMs, bytes });
        }
      }
    });
  }
  return found;
}
