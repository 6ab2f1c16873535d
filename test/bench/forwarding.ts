import { connect } from '@mgm/client';
import { pack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';
import { type Figure, ratio, type Target } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { type Flow, flows, ForwardingStage, OWN } from './forwarding-stage.ts';
import { perSecond } from './load.ts';
import { functionMicros, usedBytes } from './redis-time.ts';
import type { Rig } from './rig.ts';
import { type Measured, repeated } from './rounds.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

/** How long the answerer of questions takes. */
const ANSWER_AFTER_MS = 1;
/** Flows whose Redis time is measured on a small and on a large router. */
const SAMPLE = 512;
/** Numbers of flows that no table of this scenario has otherwise. */
const ELSEWHERE = 1 << 20;
const [NEW_MAX, TOUCHED_MAX, ENDING_MAX] = [10_000, 1_000, 10_000];

/** Forwarding entries: from a flow to its pushed entry, changes that touch many, large tables, and the end of an owner. */
export async function forwarding(rig: Rig, size: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  return [
    ...(await loneFigures(rig, fleet, size)),
    ...(await rateFigures(rig, fleet, size)),
    ...(await changeFigures(rig, fleet, size)),
    ...(await tableFigures(rig, fleet, size)),
  ];
}

function figure(
  id: string,
  what: string,
  unit: string,
  values: readonly number[],
  target?: Target,
): Figure {
  return { id: `forwarding.${id}`, what, unit, values, ...(target && { target }) };
}

/** One flow at a time, until its entry is pushed, in turn with takes. */
async function loneFigures(rig: Rig, fleet: Fleet, { rounds, lone }: Size): Promise<Figure[]> {
  using stage = await ForwardingStage.open(rig, fleet);
  let [flow, ifIndex] = [0, 1_000];
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(`round ${round} of ${rounds}: one flow at a time`);
    const [pushes, takes]: [number[], number[]] = [[], []];
    for (let at = 0; at < lone; at++) {
      const pushed = await stage.pushed('set', 1);
      const sentMono = performance.now();
      const reported = stage.report(flows(1, flow++));
      await pushed.all;
      pushes.push(performance.now() - sentMono);
      await reported;
      const takenMono = performance.now();
      ok(await stage.owner.take(ifIndex++));
      takes.push(performance.now() - takenMono);
    }
    return { pushed: quantile(pushes, 0.5), take: quantile(takes, 0.5) };
  });
  const pushed = figure('lone', 'a flow until its entry is pushed, p50', 'ms', valuesOf('pushed'));
  const take = figure('take', 'a take, p50', 'ms', valuesOf('take'));
  const what = 'a flow until its entry is pushed / a take';
  return [pushed, take, ratio('forwarding.lone/take', what, [pushed, take], { atMost: 1.5 })];
}

/** Many new flows at once through one agent: without questions, and with an owner that answers them. */
async function rateFigures(
  rig: Rig,
  fleet: Fleet,
  { rounds, memberships }: Size,
): Promise<Figure[]> {
  const count = Math.min(NEW_MAX, memberships);
  using silent = await ForwardingStage.open(rig, fleet);
  using asked = await ForwardingStage.open(rig, fleet, ['RPF', 'CREATION_ALERT']);
  answerQuestions(asked);
  const rateOf = async (stage: ForwardingStage, round: number): Promise<number> => {
    const pushed = await stage.pushed('set', count);
    return await perSecond(count, async () => {
      await stage.report(flows(count, round * count));
      await pushed.all;
    });
  };
  const valuesOf = await repeated(rounds, async (round): Promise<Measured> => {
    rig.say(`round ${round} of ${rounds}: ${count} new flows at once`);
    return { silent: await rateOf(silent, round), asked: await rateOf(asked, round) };
  });
  const many = `${count.toLocaleString('en').replaceAll(',', ' ')} new flows at once`;
  return [
    figure('new', `${many}, nobody to ask`, '/s', valuesOf('silent'), { atLeast: 10_000 }),
    figure(
      'asked',
      `${many}, questions answered after ${ANSWER_AFTER_MS} ms`,
      '/s',
      valuesOf('asked'),
      { atLeast: 3_000 },
    ),
  ];
}

/** Answers the questions to the owner as they were asked. */
function answerQuestions({ router, owner }: ForwardingStage): void {
  const answer = pack({});
  router.nats.subscribe(`${router.prefix}.${router.name}.ask.${owner.session}`, {
    callback: (_, message) => setTimeout(() => message.respond(answer), ANSWER_AFTER_MS),
  });
}

/** A change of one group that touches many entries, and the end of the owner of the incoming interface. */
async function changeFigures(
  rig: Rig,
  fleet: Fleet,
  { rounds, memberships }: Size,
): Promise<Figure[]> {
  const touched = Math.min(TOUCHED_MAX, memberships);
  const ending = Math.min(ENDING_MAX, memberships);
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(`round ${round} of ${rounds}: a change of ${touched} entries, an end with ${ending}`);
    using stage = await ForwardingStage.open(rig, fleet);
    const all = flows(touched, 0, touched);
    await stage.report(all);
    const changed = await stage.pushed('set', touched);
    const changedMono = performance.now();
    ok(await stage.owner.add(OWN, all[0]?.[0]));
    await changed.all;
    const change = performance.now() - changedMono;
    await stage.report(flows(ending - touched, ELSEWHERE));
    const deleted = await stage.pushed('del', ending);
    const endedMono = performance.now();
    ok(await stage.owner.deregister({ force: true }));
    const { items } = ok(await stage.router.request('mfe.list', { limit: 1 }));
    if (items.length > 0) throw new Error('an entry outlived the owner of its incoming interface');
    await deleted.all;
    return { change, end: performance.now() - endedMono };
  });
  const [some, many] = [touched, ending].map((count) =>
    count.toLocaleString('en').replaceAll(',', ' '),
  );
  return [
    figure('change', `one (*,g) changes ${some} entries: all pushed`, 'ms', valuesOf('change'), {
      atMost: 100,
    }),
    figure(
      'end',
      `the owner of ${many} entries ends: all deletions pushed`,
      'ms',
      valuesOf('end'),
      {
        atMost: 1_000,
      },
    ),
  ];
}

/** Redis time of reads and pushes on a small and on a large router, memory, and an agent that attaches. */
async function tableFigures(
  rig: Rig,
  fleet: Fleet,
  { rounds, memberships }: Size,
): Promise<Figure[]> {
  using small = await ForwardingStage.open(rig, fleet);
  using large = await ForwardingStage.open(rig, fleet);
  const first = flows(SAMPLE);
  await small.report(first);
  rig.say(`a router with ${memberships} entries`);
  const before = await usedBytes(rig.redis);
  const table = flows(memberships);
  await large.report(table);
  await rig.redis.del(`${fleet.keyPrefix}:{${large.router.name}}:flog`);
  const bytes = ((await usedBytes(rig.redis)) - before) / memberships;
  const valuesOf = await repeated(rounds, async (round): Promise<Measured> => {
    rig.say(`round ${round} of ${rounds}: reads and pushes`);
    const fresh = flows(SAMPLE, ELSEWHERE + round * SAMPLE);
    return {
      'small.get': await microsOfReads(rig, small, first),
      'large.get': await microsOfReads(rig, large, table.slice(-SAMPLE)),
      'small.new': (await functionMicros(rig.redis, () => small.report(fresh))) / SAMPLE,
      'large.new': (await functionMicros(rig.redis, () => large.report(fresh))) / SAMPLE,
      attach: await attachMs(rig, fleet, large),
    };
  });
  const many = memberships.toLocaleString('en').replaceAll(',', ' ');
  const compared = (id: string, what: string): Figure[] => {
    const [few, full] = (['small', 'large'] as const).map((name) =>
      figure(
        `${name}.${id}`,
        `${name === 'small' ? SAMPLE : many} entries: ${what}`,
        'µs',
        valuesOf(`${name}.${id}`),
      ),
    );
    if (!few || !full) return [];
    const title = `${what}, ${many} / ${SAMPLE} entries`;
    return [few, full, ratio(`forwarding.${id}.flat`, title, [full, few], { atMost: 1.15 })];
  };
  return [
    ...compared('get', 'Redis time of a read'),
    ...compared('new', 'Redis time of a new entry'),
    figure('bytes', `${many} entries: memory of an entry`, 'bytes', [bytes], { atMost: 600 }),
    figure('attach', `${many} entries: an agent is complete`, 'ms', valuesOf('attach'), {
      atMost: 3_000,
    }),
  ];
}

async function microsOfReads(
  rig: Rig,
  { router }: ForwardingStage,
  sample: readonly Flow[],
): Promise<number> {
  const micros = await functionMicros(rig.redis, async () => {
    for (const [group, source] of sample) ok(await router.request('mfe.get', { group, source }));
  });
  return micros / sample.length;
}

/** Through the client library, from its first request to the mark behind the snapshot. */
async function attachMs(rig: Rig, { prefix }: Fleet, { router }: ForwardingStage): Promise<number> {
  await using mgm = await connect({ servers: rig.natsServer.url, router: router.name, prefix });
  const beganMono = performance.now();
  for await (const one of mgm.watchForwarding()) {
    if (one.kind === 'synced') return performance.now() - beganMono;
  }
  throw new Error('the watch ended');
}
