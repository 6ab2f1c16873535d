import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figure, figureOf, ratio } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE } from './own-takes.ts';
import { CpuMeter } from './processes.ts';
import type { Rig } from './rig.ts';
import { repeated, rotated } from './rounds.ts';
import type { Size } from './size.ts';

/** Rules of the policy. Every second one names the identity of the load, and only the last of them is for its router. */
const RULES = 1000;
const IDENTITY = 'bench';
/** Short pairs, and many: a disturbance of the machine hits both of a pair, or only few pairs. */
const PAIRS_PER_ROUND = 3;
const SHARE_OF_TAKES = 4;
const COST_MAX = 1.1;

/** The same takes, a message each, by managers that identify callers and check a policy, and by managers that do not. */
export async function identity(rig: Rig, { rounds, takes }: Size): Promise<Figure[]> {
  const plain = await rig.fleet();
  const env = { MGM_IDENTITY: 'subject', MGM_POLICY_FILE: await policyFile(rig) };
  const identified = await rig.fleet({ env });
  const runs = [
    await runOf(rig, 'none', plain),
    // Requests as they reach managers after NATS has added the identity.
    await runOf(rig, 'subject', { ...identified, prefix: `as.${IDENTITY}.${identified.prefix}` }),
  ];
  const count = Math.ceil(takes / SHARE_OF_TAKES);
  for (const run of runs) await measure(run, count);
  const pairs = rounds * PAIRS_PER_ROUND;
  const valuesOf = await repeated(pairs, async (pair) => {
    rig.say(`pair ${pair} of ${pairs}`);
    const all: Record<string, number> = {};
    for (const run of rotated(runs, pair)) {
      const { time, cpu } = await measure(run, count);
      Object.assign(all, { [`${run.name}.time`]: time, [`${run.name}.cpu`]: cpu });
    }
    return all;
  });
  return figuresOf(valuesOf);
}

interface Run {
  readonly name: string;
  readonly fleet: Fleet;
  readonly session: LeanSession;
}

async function runOf(rig: Rig, name: string, fleet: Fleet): Promise<Run> {
  return { name, fleet, session: rig.owned.use(await LeanSession.register(rig.router(fleet))) };
}

/** Time on the clock and CPU time of the manager per take, in µs. */
async function measure({ fleet, session }: Run, count: number) {
  const meter = new CpuMeter({ manager: fleet.pids });
  const rate = await perSecond(count, () => inFlight(count, AT_ONCE, (at) => session.take(at + 1)));
  const cpu = (meter.usedMs('manager') * 1000) / count;
  await session.releaseMany(count);
  return { time: 1_000_000 / rate, cpu };
}

function figuresOf(valuesOf: (name: string) => number[]): Figure[] {
  const figure = (name: string, what: string): Figure => {
    return { id: `identity.${name}`, what, unit: 'µs', values: valuesOf(name) };
  };
  const figures = [
    figure('none.time', 'without identities: a take'),
    figure('subject.time', `identities, ${RULES} rules: a take`),
    figure('none.cpu', 'without identities: CPU of the manager per take'),
    figure('subject.cpu', `identities, ${RULES} rules: CPU of the manager per take`),
  ];
  const over = (what: string) =>
    [
      figureOf(figures, `identity.subject.${what}`),
      figureOf(figures, `identity.none.${what}`),
    ] as const;
  const target = { atMost: COST_MAX };
  return [
    ...figures,
    ratio('identity.time', 'a take: with identities / without', over('time'), target),
    ratio('identity.cpu', 'CPU of the manager: with identities / without', over('cpu')),
  ];
}

/** A policy that ends with the rig. */
async function policyFile({ owned }: Rig): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-bench-policy-'));
  owned.defer(() => rm(dir, { recursive: true }));
  const file = join(dir, 'policy.yaml');
  const rules = Array.from({ length: RULES }, (_, at) => ({
    name: `rule ${at}`,
    identities: [at % 2 === 0 ? `other-${at}` : IDENTITY],
    routers: [at === RULES - 1 ? '*' : `only-${at}`],
    operations: ['worker'],
    interfaces: [{ from: 1, to: 1_000_000 }],
  }));
  const most = 1_000_000_000;
  const quotas = [
    { identities: [IDENTITY], sessions: 10, interfaces: most, requestsPerSecond: most },
  ];
  await writeFile(file, JSON.stringify({ version: 1, rules, quotas }));
  return file;
}
