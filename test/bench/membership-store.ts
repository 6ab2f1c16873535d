import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import type { Figure, Target } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { type Element, LeanSession } from './lean-session.ts';
import { groupAt } from './membership-changes.ts';
import { functionMicros, usedBytes } from './redis-time.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';

/** Memberships that are changed in one measurement. */
const CHANGED = 1024;
/** Groups that no router of this scenario has otherwise. */
const ELSEWHERE = 1 << 22;
const CLIENTS = 8;
const INTERFACES_EACH = 125;
/** Entries of the crowded router per membership of the other ones: a thousand in a full run. */
const CROWDED_SHARE = 0.01;
/** Above this many memberships of a hold, the names of its entries are not kept apart. */
const NAMED_MAX = 256;
/** Requests of one measurement that are sent one after the other. */
const LONE = 200;
const PAGE = 1000;

type Measured = [
  id: string,
  what: string,
  unit: string,
  target: Target | undefined,
  values: number[],
];

type Part = (rig: Rig, fleet: Fleet, size: Size) => Promise<Figure[]>;

function part(measure: (rig: Rig, fleet: Fleet, size: Size) => Promise<Measured[]>): Part {
  return async (rig, fleet, size) => {
    const measured = await measure(rig, fleet, size);
    return measured.map(([id, what, unit, target, values]) => ({
      id: `membership.${id}`,
      what,
      unit,
      values,
      ...(target && { target }),
    }));
  };
}

/** Redis time and memory of memberships: with few and many entries, with many clients, and with seven recipients. */
export const STORE_PARTS = {
  few: part((rig, fleet, size) =>
    ofRouter(rig, fleet, size, 'few', Math.min(1000, size.memberships)),
  ),
  many: part((rig, fleet, size) => ofRouter(rig, fleet, size, 'many', size.memberships)),
  crowd: part(ofCrowd),
  single: part(ofSingles),
};

function elements(ifIndex: number, count: number, first = 0): Element[] {
  return Array.from({ length: count }, (_, at): Element => [ifIndex, groupAt(first + at)]);
}

async function perElement(rig: Rig, count: number, task: () => Promise<unknown>): Promise<number> {
  return (await functionMicros(rig.redis, task)) / count;
}

/** A router with entries of one membership: adding another one to them, new entries, pages, and the memory of an entry. */
async function ofRouter(
  rig: Rig,
  fleet: Fleet,
  { rounds }: Size,
  id: string,
  entries: number,
): Promise<Measured[]> {
  rig.say(`a router with ${entries} entries`);
  const router = rig.router(fleet);
  const session = rig.owned.use(await LeanSession.register(router));
  await session.takeMany(2);
  const before = await usedBytes(rig.redis);
  await session.changeMemberships('member.add', elements(1, entries));
  await forgetLogs(rig, fleet, router);
  const bytes = ((await usedBytes(rig.redis)) - before) / entries;
  const count = Math.min(CHANGED, entries);
  const [second, fresh, pages]: [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= rounds; round++) {
    const [old, extra] = [elements(2, count), elements(1, count, ELSEWHERE)];
    const add = (all: Element[]) => () => session.changeMemberships('member.add', all);
    second.push(await perElement(rig, count, add(old)));
    fresh.push(await perElement(rig, count, add(extra)));
    const page = () => router.request('groups', { limit: PAGE });
    pages.push((await functionMicros(rig.redis, page)) / 1000);
    await session.changeMemberships('member.delete', [...old, ...extra]);
  }
  const named = `${entries.toLocaleString('en').replaceAll(',', ' ')} entries`;
  const isMany = entries >= 10_000;
  return [
    [`${id}.second`, `${named}: Redis time of another membership`, 'µs', { atMost: 8 }, second],
    [`${id}.new`, `${named}: Redis time of a new entry`, 'µs', { atMost: 8 }, fresh],
    [`${id}.page`, `${named}: Redis time of a page of ${PAGE} groups`, 'ms', { atMost: 5 }, pages],
    // With few entries the memory of the router and the session dominates.
    [
      `${id}.bytes`,
      `${named}: memory of an entry`,
      'bytes',
      isMany ? { atMost: 200 } : undefined,
      [bytes],
    ],
  ];
}

/** Entries with a thousand memberships of eight clients, and groups whose first membership alerts seven clients. */
async function ofCrowd(rig: Rig, fleet: Fleet, { rounds, memberships }: Size): Promise<Measured[]> {
  const entries = Math.ceil(CROWDED_SHARE * memberships);
  rig.say(`${entries} entries with ${CLIENTS * INTERFACES_EACH} memberships each`);
  const router = rig.router(fleet);
  const sessions: LeanSession[] = [];
  for (let at = 0; at < CLIENTS; at++) {
    const alerts = ['JOIN_ALERT', 'PRUNE_ALERT'];
    const session = rig.owned.use(await LeanSession.register(router, at + 1, { alerts }));
    await session.takeMany(INTERFACES_EACH + 1, at * PAGE + 1);
    sessions.push(session);
  }
  const before = await usedBytes(rig.redis);
  for (const [at, session] of sessions.entries()) {
    for (let on = 1; on <= INTERFACES_EACH; on++) {
      await session.changeMemberships('member.add', elements(at * PAGE + on, entries));
    }
  }
  await forgetLogs(rig, fleet, router);
  const bytes = ((await usedBytes(rig.redis)) - before) / entries;
  const nameBytes = (await bytesOf(rig, `${fleet.keyPrefix}:{${router.name}}:names:*`)) / entries;
  const [first] = sessions;
  const [one, joins]: [number[], number[]] = [[], []];
  for (let round = 1; first && round <= rounds; round++) {
    const more = elements(INTERFACES_EACH + 1, entries);
    const fresh = elements(1, CHANGED, ELSEWHERE);
    one.push(await perElement(rig, entries, () => first.changeMemberships('member.add', more)));
    joins.push(await perElement(rig, CHANGED, () => first.changeMemberships('member.add', fresh)));
    await first.changeMemberships('member.delete', [...more, ...fresh]);
  }
  const crowd = `${CLIENTS} clients on ${INTERFACES_EACH} interfaces each`;
  return [
    ['crowd.one', `${crowd}: Redis time of one more`, 'µs', { atMost: 15 }, one],
    ['crowd.joins', 'a new entry that alerts 7 clients: Redis time', 'µs', { atMost: 15 }, joins],
    [
      'crowd.bytes',
      `${crowd}: memory of an entry`,
      'bytes',
      entries > NAMED_MAX ? { atMost: 1400 } : undefined,
      [bytes],
    ],
    ['crowd.names', 'of which lists of names, of small holds', 'bytes', undefined, [nameBytes]],
  ];
}

/** Single requests, one after the other: a membership compared with a take. */
async function ofSingles(rig: Rig, fleet: Fleet, { rounds }: Size): Promise<Measured[]> {
  rig.say('single requests');
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  await session.takeMany(1);
  const values: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const takes = await functionMicros(rig.redis, async () => {
      for (let at = 0; at < LONE; at++) await session.take(2 + at);
    });
    const adds = await functionMicros(rig.redis, async () => {
      for (let at = 0; at < LONE; at++) {
        await session.changeMembership('member.add', 1, groupAt(at));
      }
    });
    values.push(adds / takes);
    await session.releaseMany(LONE, 2);
    await session.changeMemberships('member.delete', elements(1, LONE));
  }
  return [
    ['single/take', 'a single add / a single take, Redis time', '×', { atMost: 1.5 }, values],
  ];
}

/** The memory of the keys of a pattern. */
async function bytesOf(rig: Rig, pattern: string): Promise<number> {
  let bytes = 0;
  for (const key of await rig.redis.keys(pattern)) {
    bytes += (await rig.redis.memory('USAGE', key)) ?? 0;
  }
  return bytes;
}

/** Logs and mailboxes have bounds of their own and are not counted. */
async function forgetLogs(rig: Rig, fleet: Fleet, router: RawRouter): Promise<void> {
  const root = `${fleet.keyPrefix}:{${router.name}}:`;
  const mailboxes = await rig.redis.keys(`${root}mailbox:*`);
  const streams = [`${root}mlog`, `${root}events`, ...mailboxes];
  for (const key of streams) await rig.redis.xtrim(key, 'MAXLEN', 0);
  ok(await router.request('groups', { limit: 1 }));
}
