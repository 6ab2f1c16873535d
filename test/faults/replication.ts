import {
  startNats,
  startRedis,
  startTcpProxy,
  type RunningServer,
  type TcpProxy,
} from '@mgm/devstack';
import {
  eventually,
  type Managers,
  natsAccess,
  newRouterName,
  startManagers,
} from '@mgm/test-support';
import { Redis } from 'ioredis';
import { connect } from '@mgm/nats';
import { expect, inject } from 'vitest';
import { RawRouter } from '../support/raw-client.ts';

/** A primary, a replica behind a proxy, and a replica of that replica, so that a promoted replica has one as well. */
export interface ReplicatedWorld extends AsyncDisposable {
  readonly router: RawRouter;
  readonly managers: Managers;
  readonly primary: Redis;
  readonly replica: Redis;
  /** The proxy between the primary and its replica. */
  readonly replication: TcpProxy;
  /** Kills the primary, promotes its replica and redirects the managers. */
  failOver(): Promise<void>;
}

/** Why the servers of this run cannot be replicated; `undefined` where they can. */
export function noReplication(): string | undefined {
  const { kind } = inject('servers').redis;
  return kind === 'process'
    ? undefined
    : 'needs Redis servers that run as processes of this machine';
}

/** Long enough that a busy machine does not look like a lost replica. */
const ENV = {
  MGM_DURABILITY: 'replicated',
  MGM_REPLICATION_TIMEOUT_MS: '1000',
};

/** Starts the servers, and managers that reach the primary through a proxy, which follows the failover. */
export async function startReplicatedWorld(managers: number): Promise<ReplicatedWorld> {
  await using starting = new AsyncDisposableStack();
  const start = async (...args: string[]): Promise<RunningServer> => {
    const always = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '600'];
    return starting.use(await startRedis(inject('servers'), { args: [...always, ...args] }));
  };
  const client = ({ url }: RunningServer): Redis => {
    const redis = new Redis(url, { retryStrategy: () => null });
    // The tests end servers on purpose.
    redis.on('error', () => {});
    starting.defer(() => redis.disconnect());
    return redis;
  };
  const first = await start();
  const replication = starting.use(await startTcpProxy({ port: first.port }));
  const second = await start('--replicaof', replication.host, String(replication.port));
  await start('--replicaof', second.host, String(second.port));
  const [primary, replica] = [client(first), client(second)];
  await eventually(
    async () => expect(await replica.info('replication')).toContain('state=online'),
    {
      withinMs: 30_000,
    },
  );
  const front = starting.use(await startTcpProxy({ port: first.port }));
  const nats = starting.use(await startNats(inject('servers')));
  const servers = { nats, redis: { ...first, url: `redis://${front.host}:${front.port}` } };
  const serving = starting.use(await startManagers(managers, servers, ENV));
  const connection = await connect({ ...natsAccess(nats.url), reconnect: false });
  starting.defer(() => connection.close());
  const scope = starting.move();
  return {
    router: new RawRouter(connection, newRouterName()),
    managers: serving,
    primary,
    replica,
    replication,
    failOver: async () => {
      await first.kill();
      await replica.replicaof('NO', 'ONE');
      front.setUpstream({ port: second.port });
      front.reset();
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
