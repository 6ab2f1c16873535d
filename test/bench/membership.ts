import { type Figure, figureOf, ratio, type Target } from './figures.ts';
import type { Fleet } from './fleet.ts';
import {
  manyPerMessage,
  natsKvKeys,
  onePerMessage,
  redisSets,
  throughLibrary,
} from './membership-changes.ts';
import { death, restart, window } from './membership-ends.ts';
import { STORE_PARTS } from './membership-store.ts';
import type { Rig } from './rig.ts';
import { inTurn, repeated } from './rounds.ts';
import { MEMBERSHIP_PARTS, type MembershipPart, type Size } from './size.ts';

/** The factor by which slow contenders make fewer changes per round. */
const SLOW = 8;

/** Concurrent requests of other workers while a worker with memberships ends. */
const WIDTHS = [0, 1, 64] as const;

/** Group memberships: changes per second, Redis time and memory, and what happens at ends and restarts. */
export async function membership(rig: Rig, size: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const { parts = MEMBERSHIP_PARTS } = size;
  const figures: Figure[] = [];
  for (const part of parts) figures.push(...(await PARTS[part](rig, fleet, size)));
  return figures;
}

const PARTS: Readonly<
  Record<MembershipPart, (rig: Rig, fleet: Fleet, size: Size) => Promise<Figure[]>>
> = {
  rates: ratesOf,
  ...STORE_PARTS,
  window: windowFigures,
  restart: restartFigures,
  end: deathFigures,
};

async function ratesOf(rig: Rig, fleet: Fleet, { takes, rounds }: Size): Promise<Figure[]> {
  const many = takes / 2;
  const few = Math.ceil(many / SLOW);
  const [sets, kv] = [redisSets(rig), await natsKvKeys(rig)];
  const library = await throughLibrary(rig, fleet);
  const single = await onePerMessage(rig, fleet);
  const bulk = await manyPerMessage(rig, fleet);
  const contender = (id: string, what: string, measure: () => Promise<number>) => ({
    id: `membership.${id}`,
    what,
    unit: '/s',
    measure,
  });
  const figures = await inTurn(
    [
      contender('sets', 'Redis set per group, SADD or SREM and PUBLISH', () => sets(many)),
      contender('client', 'client library', () => library(many)),
      contender('single', 'one per message', () => single(many)),
      contender('bulk', '256 per message', () => bulk(many)),
      contender('nats-kv', 'NATS KV key per membership', () => kv(few)),
    ],
    rounds,
    rig.say,
  );
  const compared = (id: string, what: string, target?: Target): Figure => {
    const [over, under] = id.split('/').map((name) => figureOf(figures, `membership.${name}`));
    if (!over || !under) throw new Error(`${id} is not a ratio`);
    return ratio(`membership.${id}`, what, [over, under], target);
  };
  return [
    ...figures,
    compared('client/sets', 'client library / Redis sets', { atLeast: 0.6 }),
    compared('single/sets', 'one per message / Redis sets'),
    compared('client/nats-kv', 'client library / NATS KV'),
  ];
}

async function windowFigures(rig: Rig, fleet: Fleet, size: Size): Promise<Figure[]> {
  const valuesOf = await repeated(size.rounds, (round) => {
    rig.say(`round ${round} of ${size.rounds}: a window with ${size.memberships} groups of IGMP`);
    return window(rig, fleet, size);
  });
  return [
    {
      id: 'membership.window.joined',
      what: 'IGMP adds all groups again: until the owner has every LOCAL_JOIN',
      unit: 'ms',
      values: valuesOf('joined'),
      target: { atMost: 3000 },
    },
    {
      id: 'membership.window.answered',
      what: 'IGMP adds all groups again: until all are answered',
      unit: 'ms',
      values: valuesOf('answered'),
    },
  ];
}

async function restartFigures(rig: Rig, fleet: Fleet, size: Size): Promise<Figure[]> {
  const valuesOf = await repeated(size.rounds, (round) => {
    rig.say(`round ${round} of ${size.rounds}: a worker with groups restarts`);
    return restart(rig, fleet, size);
  });
  return [
    {
      id: 'membership.restart.register',
      what: 'restart in grace: until the memberships are inherited',
      unit: 'ms',
      values: valuesOf('register'),
    },
    {
      id: 'membership.restart.trip',
      what: 'restart in grace: a round trip, for comparison',
      unit: 'ms',
      values: valuesOf('trip'),
    },
    {
      id: 'membership.restart.alerts',
      what: 'restart in grace: messages to another worker',
      unit: '',
      values: valuesOf('alerts'),
      target: { atMost: 0 },
    },
  ];
}

async function deathFigures(rig: Rig, fleet: Fleet, size: Size): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const width of WIDTHS) {
    const valuesOf = await repeated(size.rounds, (round) => {
      rig.say(`round ${round} of ${size.rounds}: an end with memberships, ${width} in flight`);
      return death(rig, fleet, size, width);
    });
    const figure = (id: string, what: string, unit: string, atMost: number): Figure => ({
      id: `membership.end-${width}.${id}`,
      what: `a worker ends, ${width === 0 ? 'no other load' : `${width} in flight`}: ${what}`,
      unit,
      values: valuesOf(id),
      target: { atMost },
    });
    figures.push(figure('settled', 'until all is settled', 'ms', width === 0 ? 2000 : 8000));
    figures.push(figure('slice', 'slice p99', 'ms', 5));
    if (width > 0) figures.push(figure('slower', 'p99 of others meanwhile / before', '×', 2));
  }
  return figures;
}
