import { startManager } from '@mgm/test-support';
import { directUrls } from '../direct.ts';
import type { Servers } from '../topology/system.ts';
import type { Fault } from './fault.ts';

/**
 * A manager of an older version in the queue group of the others, as in every rollout: it gets requests, sweeps and keepalives
 * as any other.
 */
export function olderManager(servers: Servers, root: string): Fault {
  return {
    name: 'older-manager',
    inject: async () => {
      const redis = await servers.redisFor('manager-older');
      // It refuses variables that were added later.
      const env = { MGM_REDIS_URL: redis.url, MGM_NAME: 'manager-older' };
      const nats = { url: directUrls(servers.nats).join(',') };
      const manager = await startManager({ nats, redis }, env, { root });
      return {
        what: 'one more, that decides with its own scripts',
        heal: () => manager.kill(),
        bit: () => /"msg":"(?:owner|igmp|session) changed"/.test(manager.output()),
      };
    },
  };
}
