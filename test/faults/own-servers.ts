import { type NatsOptions, type RedisOptions, startNats, startRedis } from '@mgm/devstack';
import type { TestServers } from '@mgm/test-support';
import { connect, type NatsConnection } from '@mgm/nats';
import { inject } from 'vitest';
import { type ManagerEnv, type Managers, startManagers } from '../support/managers.ts';
import { RawRouter } from '../support/raw-client.ts';
import { natsAccess } from './nats-access.ts';

/** Why a test that breaks servers has to be skipped; `undefined` where the servers of this run may be broken. */
export function notOurs(): string | undefined {
  const { redis, nats } = inject('servers');
  const isGiven = redis.kind === 'given' || nats.kind === 'given';
  return isGiven ? 'breaks servers, and those of this run were given by URL' : undefined;
}

/** What one test broke and built: servers, managers and a router of its own. */
export interface World extends AsyncDisposable {
  readonly servers: TestServers;
  readonly managers: Managers;
  readonly nats: NatsConnection;
  readonly router: RawRouter;
  /** The router over a connection that was made now. */
  again(): Promise<RawRouter>;
}

export interface WorldOptions {
  readonly redis?: RedisOptions;
  readonly nats?: NatsOptions;
  /** Where Redis comes from, if not as the run chose. */
  readonly choice?: ReturnType<typeof inject<'servers'>>;
  readonly managers?: number;
  readonly env?: ManagerEnv;
}

/** Starts servers that nothing else uses, so that they may be broken, and managers on them. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { redis = {}, nats = {}, choice = inject('servers'), managers = 1, env = {} } = options;
  await using starting = new AsyncDisposableStack();
  const servers = {
    redis: starting.use(await startRedis(choice, redis)),
    nats: starting.use(await startNats(inject('servers'), nats)),
    [Symbol.asyncDispose]: async () => {},
  };
  const serving = starting.use(await startManagers(managers, servers, env));
  const dial = async (): Promise<NatsConnection> => {
    const connection = await connect({ ...natsAccess(servers.nats.url), reconnect: false });
    scope.defer(() => connection.close());
    return connection;
  };
  const scope = starting.move();
  try {
    const connection = await dial();
    const router = new RawRouter(connection);
    return {
      servers,
      managers: serving,
      nats: connection,
      router,
      again: async () => router.over(await dial()),
      [Symbol.asyncDispose]: () => scope.disposeAsync(),
    };
  } catch (error) {
    await scope.disposeAsync();
    throw error;
  }
}
