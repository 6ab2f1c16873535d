import { cutReplication } from '@mgm/devstack';
import { setTimeout as delay } from 'node:timers/promises';
import { onRedis } from '../topology/on-redis.ts';
import type { Named } from '../topology/system.ts';
import type { Fault } from './fault.ts';

/** Long enough for many writes that only the primary has. */
const ALONE_MS = 1_000;

/** Faults of a primary that has replicas and sentinels. */
export function failoverFaults(
  primary: () => Promise<Named>,
  sentinels: readonly Named[],
): Fault[] {
  return [
    {
      name: 'failover',
      inject: async (chance) => {
        const before = await primary();
        const sentinel = chance.one(sentinels);
        await onRedis(sentinel, (redis) => redis.call('SENTINEL', 'FAILOVER', 'mgm'));
        return { what: `away from ${before.name}`, heal: async () => {} };
      },
    },
    {
      name: 'primary-kill',
      inject: async () => {
        const hit = await primary();
        await hit.server.kill();
        return { what: hit.name, heal: () => hit.server.start() };
      },
    },
    {
      name: 'primary-stop',
      inject: async () => {
        const hit = await primary();
        await hit.server.pause();
        return { what: hit.name, heal: () => hit.server.resume() };
      },
    },
    {
      name: 'replication-cut',
      inject: async () => {
        const hit = await primary();
        const cut = await cutReplication(hit.server);
        return { what: `${hit.name} is alone`, heal: async () => cut[Symbol.asyncDispose]() };
      },
    },
    {
      name: 'replication-cut-and-kill',
      inject: async () => {
        const hit = await primary();
        const cut = await cutReplication(hit.server);
        await delay(ALONE_MS);
        await hit.server.kill();
        await cut[Symbol.asyncDispose]();
        return { what: `${hit.name}, alone for ${ALONE_MS} ms`, heal: () => hit.server.start() };
      },
    },
  ];
}
