import { ok } from '../support/raw-answers.ts';
import type { Figure } from './figures.ts';
import { takeMany } from './load.ts';
import { residentBytesOf } from './processes.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';

const MEGABYTE = 1024 * 1024;

/** What an owned interface weighs in Redis, without the log, which has a bound of its own; and the manager after it. */
export async function memory(rig: Rig, { interfaces }: Size): Promise<Figure[]> {
  const router = rig.router();
  const session = await router.register({ ttlMs: 300_000 });
  const managerBefore = residentBytesOf(rig.pids.manager);
  const before = await weigh(rig, router.name);
  rig.say(`taking ${interfaces} interfaces`);
  await takeMany(session, interfaces);
  const { seq } = session.next();
  // What is answered need not be remembered.
  ok(await session.keepalive({ ack: seq }));
  const withLog = await usedBytes(rig);
  const after = await weigh(rig, router.name);
  return [
    { what: 'Redis, per owned interface', value: (after - before) / interfaces, unit: 'bytes' },
    { what: 'Redis, per event of the log', value: (withLog - after) / interfaces, unit: 'bytes' },
    { what: 'Redis, all without the log', value: after / MEGABYTE, unit: 'MiB' },
    { what: 'manager before', value: managerBefore / MEGABYTE, unit: 'MiB' },
    { what: 'manager after', value: residentBytesOf(rig.pids.manager) / MEGABYTE, unit: 'MiB' },
  ];
}

async function weigh(rig: Rig, router: string): Promise<number> {
  await rig.redis.xtrim(`mgm:{${router}}:events`, 'MAXLEN', 0);
  return usedBytes(rig);
}

async function usedBytes({ redis }: Rig): Promise<number> {
  const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1];
  return Number(used);
}
