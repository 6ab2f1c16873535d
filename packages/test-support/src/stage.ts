import { afterAll, beforeAll, inject, type TestContext } from 'vitest';
import { type ManagerEnv, type ManagerProcess, startManager } from './managers.ts';
import { startServers, type TestServers } from './servers.ts';

/** The servers and the manager of one test file. Valid inside hooks and tests only. */
export interface Stage {
  readonly servers: TestServers;
  readonly manager: ManagerProcess;
}

/** Starts servers and a manager before the first test of a file and ends them after its last. */
export function stageForAll(env: ManagerEnv = {}): Stage {
  let scope: AsyncDisposableStack | undefined;
  let started: Stage | undefined;
  beforeAll(async () => {
    await using starting = new AsyncDisposableStack();
    const servers = starting.use(await startServers());
    const manager = starting.use(await startManager(servers, env));
    started = { servers, manager };
    scope = starting.move();
  });
  afterAll(async () => await scope?.disposeAsync());
  const open = (): Stage => {
    if (started) return started;
    throw new Error('the stage is open inside hooks and tests only');
  };
  return {
    get servers() {
      return open().servers;
    },
    get manager() {
      return open().manager;
    },
  };
}

/** Skips a test that counts replicas, where managers of others may reply as well. */
export function skipAmongOthers(context: TestContext): void {
  const isShared = inject('servers').source === 'urls';
  context.skip(isShared, 'other managers may reply on a NATS server given by URL');
}

/** Why a test that breaks servers is skipped; `undefined` where the servers of this run may be broken. */
export function notBreakable(): string | undefined {
  const { redis, nats } = inject('servers');
  const isGiven = redis.kind === 'given' || nats.kind === 'given';
  return isGiven ? 'breaks servers, and those of this run were given by URL' : undefined;
}
