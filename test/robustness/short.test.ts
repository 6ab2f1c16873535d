import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseServers } from '@mgm/devstack';
import { TestProcess } from '@mgm/test-support';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from './check/all.ts';
import type { Evidence } from './check/evidence.ts';
import { readEvidence } from './evidence-file.ts';
import type { Report } from './report.ts';
import type { Entry, Forwarding, Timed } from './traffic/history.ts';

const PROGRAM = fileURLToPath(new URL('robustness.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url));
/** Over ten times a run on a quiet machine. The last line of its error output names the phase that it was in. */
const RUN_WITHIN_MS = 420_000;
const TEST_WITHIN_MS = RUN_WITHIN_MS + 60_000;

/** Why these runs are skipped. They always start servers of their own as processes. */
async function notHere(): Promise<string | undefined> {
  const wanted = { force: 'process', prefer: 'process', cacheDir: CACHE } as const;
  return await chooseServers(wanted).then(() => undefined, String);
}

const SHORT = ['--seconds', '12', '--seed', '11'];

/** Runs the program. Rejects with its output unless every check held; its histories are then kept where the output says. */
async function robustness(args: readonly string[]): Promise<Report> {
  await using program = TestProcess.node(PROGRAM, ['--json', ...args]);
  const { code, stdout, stderr } = await program.ended(RUN_WITHIN_MS);
  if (code !== 0) throw new Error(`robustness ${args.join(' ')}: ${code}\n${stderr}\n${stdout}`);
  return JSON.parse(stdout) as Report;
}

describe('a short run under faults', { timeout: TEST_WITHIN_MS }, () => {
  let why: string | undefined;
  beforeAll(async () => {
    why = await notHere();
  });

  it('passes on one Redis and one NATS, and its evidence fails the checks once it is changed', async (context) => {
    context.skip(why !== undefined, why);
    const folder = await mkdtemp(join(tmpdir(), 'mgm-robustness-'));
    const kept = ['--keep', folder];
    const { histories = '' } = await robustness(['--topology', 'single', ...kept, ...SHORT]);
    const evidence = await readEvidence(histories);
    for (const [what, spoilt, check] of spoilings(evidence)) {
      expect(redChecks(spoilt), what).toContain(check);
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('passes when a mailbox overflows, and its evidence fails the checks once it is changed', async (context) => {
    context.skip(why !== undefined, why);
    const folder = await mkdtemp(join(tmpdir(), 'mgm-robustness-'));
    const faults = ['--faults', 'mailbox-overflow', '--seconds', '20', '--keep', folder];
    const { histories = '', findings } = await robustness([...faults, '--seed', '11']);
    const overflows = findings.find(({ check }) => check === 'quiescent: mailbox overflows');
    expect(overflows?.checked).toBeGreaterThan(0);
    const evidence = await readEvidence(histories);
    const spoilt = [
      [edit(evidence, alertedTooSoon), 'mailbox overflows'],
      [edit(evidence, earlyResync), 'mailbox overflows'],
    ] as const;
    for (const [changed, check] of spoilt) expect(redChecks(changed)).toContain(check);
    await rm(folder, { recursive: true, force: true });
  });

  it.for(['sentinel', 'cluster'])(
    'passes on a NATS cluster and Redis %s',
    async (topology, { skip }) => {
      skip(why !== undefined, why);
      const { verdict } = await robustness(['--topology', topology, ...SHORT]);
      expect(verdict).toBe('ok');
    },
  );
});

function redChecks(evidence: readonly Evidence[]): string[] {
  const found = CHECKS.flatMap((check) => evidence.map((one) => check(one)));
  return found.filter(({ problems }) => problems.length > 0).map(({ check }) => check);
}

/** With an alert between a RESYNC and its acknowledgement, in a history with a RESYNC. */
function alertedTooSoon(entries: readonly Timed[]): Timed[] {
  return entries.flatMap((entry): Timed[] =>
    entry.kind === 'alert' && entry.type === 'RESYNC'
      ? [entry, { ...entry, type: 'JOIN_ALERT' }]
      : [entry],
  );
}

/** Without the alerts before it, in a history with a RESYNC. */
function earlyResync(entries: readonly Timed[]): Timed[] {
  const at = entries.findIndex((entry) => entry.kind === 'alert' && entry.type === 'RESYNC');
  return entries.filter((entry, place) => place >= at || entry.kind !== 'alert');
}

type Spoiling = readonly [what: string, spoilt: Evidence[], check: string];

/** The evidence of a run with one change, and the check that has to fail. */
function spoilings(evidence: readonly Evidence[]): Spoiling[] {
  return [
    ['a grant has another epoch', editOne(evidence, 'taken'), 'acknowledged'],
    ['`owner` names a session that has no interface', editOne(evidence, 'held'), 'linearizable'],
    ['a refused take counts as granted', editOne(evidence, 'already-owned'), 'linearizable'],
    [
      'an ownership has neither an end nor a deadline',
      withoutOne(evidence, ['lets-go', 'deadline']),
      'exclusive',
    ],
    ['a callback is missing', withoutOne(evidence, ['callback']), 'callbacks'],
    ['the log lost its last change', evidence.map(shortened), 'events'],
    ['an alert is missing', withoutOne(evidence, ['alert']), 'callbacks'],
    ['the log of memberships lost its last event', evidence.map(unlogged), 'membership log'],
    ['nothing is listed', evidence.map((one) => ({ ...one, listing: [] })), 'final state'],
    ...spoilingsOfForwarding(evidence),
  ];
}

/** An entry that never was. */
const NEVER: Forwarding = {
  ...{ group: '239.9.9.9', source: '192.0.2.1', incarnation: 1, ifIndex: 99, nextHop: '' },
  ...{ iifEpoch: '2', protocolId: 1, session: 1, timeoutMs: 900_000 },
  ...{ oifs: [[99, '']], oifCount: 1, foreignAlerted: false },
};

function spoilingsOfForwarding(evidence: readonly Evidence[]): Spoiling[] {
  const ofPlane = (call: 'set' | 'delete', entry: Forwarding): Entry => ({
    ...{ kind: 'plane', call, frev: 1, entry },
  });
  const [set, end] = [ofPlane('set', NEVER), ofPlane('delete', NEVER)];
  const outdated = { ...NEVER, source: '192.0.2.2', iifEpoch: '1' };
  const lower = [set, ofPlane('set', outdated), end, ofPlane('delete', outdated)];
  return [
    ['a plane has one entry more', afterCalls(evidence, [set]), 'forwarding planes'],
    [
      'a plane installs an entry of a lower epoch',
      afterCalls(evidence, lower),
      'forwarding planes',
    ],
    [
      'a plane was flushed once more',
      afterCalls(evidence, [{ kind: 'plane', call: 'flush' }]),
      'forwarding planes',
    ],
    ['an agent has no table', withoutOne(evidence, ['table']), 'agents'],
    ['a read shows an entry that never was', edit(evidence, listedMore), 'forwarding reads'],
    [
      'a listed entry has its incoming interface as an outgoing one',
      edit(evidence, listedMore),
      'forwarding entries',
    ],
    ['a FALSE alert is about an entry that never was', edit(evidence, alertedOf), 'FALSE alerts'],
    ['a session was notified of an (s,g) that no client wants', evidence.map(notified), 'notified'],
  ];
}

/** With these entries after the last call of each forwarding plane. */
function afterCalls(evidence: readonly Evidence[], more: readonly Entry[]): Evidence[] {
  return edit(evidence, (entries) => {
    const at = entries.findLastIndex(({ kind }) => kind === 'plane');
    const mono = entries[at]?.mono ?? 0;
    const timed = more.map((one): Timed => ({ mono, ...one }));
    return at < 0 ? [...entries] : entries.toSpliced(at + 1, 0, ...timed);
  });
}

/** Each listing shows one entry more. */
function listedMore(entries: readonly Timed[]): Timed[] {
  return entries.map((entry): Timed => {
    if (entry.kind !== 'returned' || entry.told !== 'listed') return entry;
    return { ...entry, entries: [...entry.entries, NEVER] };
  });
}

/** With a FALSE alert about it at the end of each history. */
function alertedOf(entries: readonly Timed[]): Timed[] {
  const { group, source, incarnation } = NEVER;
  const alert = { mono: 0, kind: 'alert', session: 1, seq: 1, type: 'JOIN_ALERT FALSE' } as const;
  const about = { entries: [`${group} ${source}`], incarnations: [incarnation] };
  return [...entries, { ...alert, ...about }];
}

/** A resting session lists that it was notified. */
function notified(one: Evidence): Evidence {
  const [session = 0] = one.resting;
  const wanted = ['239.9.9.9 192.0.2.1'];
  const more = { mono: 0, kind: 'groups', session, mailbox: 0, wanted, notified: wanted } as const;
  const [first, ...others] = one.processes;
  const processes = first ? [...others, { ...first, entries: [...first.entries, more] }] : [];
  return { ...one, processes };
}

function edit(
  evidence: readonly Evidence[],
  change: (entries: readonly Timed[]) => Timed[],
): Evidence[] {
  return evidence.map((one) => ({
    ...one,
    processes: one.processes.map((process) => ({ ...process, entries: change(process.entries) })),
  }));
}

/** Changes one reply in the middle of each worker's history. */
function editOne(
  evidence: readonly Evidence[],
  told: 'taken' | 'held' | 'already-owned',
): Evidence[] {
  return edit(evidence, (entries) => {
    const replies = entries.filter((entry) => entry.kind === 'returned' && entry.told === told);
    const chosen = replies[Math.floor(replies.length / 2)];
    return entries.map((entry): Timed => {
      if (entry !== chosen || entry.kind !== 'returned') return entry;
      if (entry.told === 'taken') return { ...entry, epoch: '1' };
      if (entry.told === 'held') return { ...entry, session: 1 };
      return { kind: 'returned', id: entry.id, mono: entry.mono, told: 'taken', epoch: '2' };
    });
  });
}

/** Removes all entries of these kinds, or the first callback or alert. */
function withoutOne(evidence: readonly Evidence[], kinds: readonly Timed['kind'][]): Evidence[] {
  return edit(evidence, (entries) => {
    const isOne = kinds.includes('callback') || kinds.includes('alert');
    const first = entries.find(({ kind }) => kinds.includes(kind));
    return entries.filter((entry) => (isOne ? entry !== first : !kinds.includes(entry.kind)));
  });
}

function unlogged(one: Evidence): Evidence {
  return { ...one, memberLog: one.memberLog.slice(0, -1) };
}

function shortened(one: Evidence): Evidence {
  return { ...one, log: one.log.slice(0, -1) };
}
