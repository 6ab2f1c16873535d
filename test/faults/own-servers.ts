import { type NatsOptions, type RedisOptions, startNats, startRedis } from '@mgm/devstack';
import {
  type ManagerEnv,
  type Managers,
  natsAccess,
  newRouterName,
  startManagers,
  type TestServers,
} from '@mgm/test-support';
import { connect, type NatsConnection } from '@mgm/nats';
import { inject } from 'vitest';
import { RawRouter } from '../support/raw-client.ts';

/** Servers, managers and a router that belong to one test and may be broken. */
export interface World extends AsyncDisposable {
  readonly servers: TestServers;
  readonly managers: Managers;
  readonly nats: NatsConnection;
  readonly router: RawRouter;
  /** The router over a new connection. */
  again(): Promise<RawRouter>;
}

export interface WorldOptions {
  readonly redis?: RedisOptions;
  readonly nats?: NatsOptions;
  /** The source of Redis, where it differs from that of the run. */
  readonly choice?: ReturnType<typeof inject<'servers'>>;
  readonly managers?: number;
  readonly env?: ManagerEnv;
}

/** Starts servers of one test's own, and managers on them. */
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
    const router = new RawRouter(connection, newRouterName());
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
