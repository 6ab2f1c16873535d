import { etcdTransactions } from './etcd.ts';
import { type Figure, figureOf, ratio, type Target } from './figures.ts';
import { echoes, natsKv, startEcho } from './nats-peers.ts';
import { BULK, inBulk, oneByOne, type Takes, throughClient, throughStore } from './own-takes.ts';
import { fencedLock, plainSet } from './redis-locks.ts';
import type { Rig } from './rig.ts';
import { type Absentee, type Contender, inTurn } from './rounds.ts';
import type { Size } from './size.ts';
import { zookeeperNodes } from './zookeeper.ts';

/** The factor by which slow contenders make fewer takes per round. */
const SLOW = 8;

/** Takes per second of one process with 1024 pending, by every method, measured in turn. */
export async function takes(rig: Rig, size: Size): Promise<Figure[]> {
  rig.say('starting managers and peers');
  const fleet = await rig.fleet();
  const durable = await rig.fleet({
    redis: await rig.durableRedis(),
    env: { MGM_DURABILITY: 'durable' },
  });
  const all = size.takes;
  const few = Math.ceil(size.takes / SLOW);
  const figures = await inTurn(
    [
      contender('takes.set-nx', 'SET NX PX', all, plainSet(rig)),
      contender('takes.fenced', 'a Lua lock with fencing, EVALSHA', all, await fencedLock(rig)),
      contender('takes.client', 'client library', all, await throughClient(rig, fleet)),
      contender('takes.single', 'one per message', all, await oneByOne(rig, fleet)),
      contender('takes.bulk', `${BULK} per message`, all, await inBulk(rig, fleet)),
      contender('takes.store', 'our store without bus', all, await throughStore(rig, fleet)),
      contender(
        'takes.durable-client',
        'client library, durable',
        all,
        await throughClient(rig, durable),
      ),
      contender('takes.durable', 'one per message, durable', all, await oneByOne(rig, durable)),
      contender('takes.nats-kv', 'NATS KV create', few, await natsKv(rig)),
      contender('takes.etcd', 'etcd transaction with lease', few, await etcdTransactions(rig)),
      contender('takes.zookeeper', 'ZooKeeper ephemeral node', few, await zookeeperNodes(rig)),
      contender('bare.echo', 'bare limit: NATS echo', all, echoes(await startEcho(rig))),
    ],
    size.rounds,
    rig.say,
  );
  return [...figures, ...ratiosOf(figures)];
}

/** [id, label, numerator, denominator, target] */
const RATIOS: readonly (readonly [string, string, string, string, Target?])[] = [
  ['client/set-nx', 'client library / SET NX PX', 'client', 'set-nx', { atLeast: 1.2 }],
  ['single/set-nx', 'one per message / SET NX PX', 'single', 'set-nx', { atLeast: 0.6 }],
  ['single/nats-kv', 'one per message / NATS KV', 'single', 'nats-kv', { atLeast: 1.5 }],
  ['single/etcd', 'one per message / etcd', 'single', 'etcd', { atLeast: 10 }],
  ['single/zookeeper', 'one per message / ZooKeeper', 'single', 'zookeeper'],
  ['durable/single', 'durable / memory, one per message', 'durable', 'single', { atLeast: 0.6 }],
  [
    'durable-client/client',
    'durable / memory, client library',
    'durable-client',
    'client',
    { atLeast: 0.6 },
  ],
  ['durable/etcd', 'durable, one per message / etcd', 'durable', 'etcd', { atLeast: 5 }],
  ['bulk/set-nx', `${BULK} per message / SET NX PX`, 'bulk', 'set-nx', { atLeast: 1.5 }],
  ['client/fenced', 'client library / Lua lock with fencing', 'client', 'fenced'],
];

function ratiosOf(figures: readonly Figure[]): Figure[] {
  return RATIOS.map(([id, what, over, under, target]) =>
    ratio(
      `takes.${id}`,
      what,
      [figureOf(figures, `takes.${over}`), figureOf(figures, `takes.${under}`)],
      target,
    ),
  );
}

function contender(
  id: string,
  what: string,
  count: number,
  takesOrWhyNot: Takes | string,
): Contender | Absentee {
  if (typeof takesOrWhyNot === 'string') return { id, what, unit: '/s', absent: takesOrWhyNot };
  return { id, what, unit: '/s', measure: () => takesOrWhyNot(count) };
}
