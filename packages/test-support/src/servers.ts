import { type RunningServer, type ServersChoice, startNats, startRedis } from '@mgm/devstack';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The source of the servers of this run, chosen once before all files. */
    servers: ServersChoice;
  }
}

/** A Redis and a NATS server of one test file's own. */
export interface TestServers extends AsyncDisposable {
  readonly redis: RunningServer;
  readonly nats: RunningServer;
}

/**
 * Starts a Redis and a NATS server from the source chosen for this run; disposing ends both.
 *
 * `await using servers = await startServers();`, or once per file in `beforeAll` with `afterAll`. For one server alone, or with
 * other options, call `startRedis(inject('servers'), …)` of `@mgm/devstack`.
 */
export async function startServers(): Promise<TestServers> {
  const choice = inject('servers');
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis(choice));
  const nats = started.use(await startNats(choice));
  const owned = started.move();
  return { redis, nats, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
