import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startRedis } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';
import { inject, type TestContext } from 'vitest';

/** Servers and a manager, the NATS server with a configuration file. */
export interface Configured extends AsyncDisposable {
  /** The NATS URL for a user; without arguments that of the server. */
  urlOf(user?: string, password?: string): string;
}

/** Starts them. The manager logs in as `manager`. Skips the test if the server cannot read a file of this machine. */
export async function configured(
  ctx: TestContext,
  config: string,
  manager?: { readonly user: string; readonly password: string },
): Promise<Configured> {
  const choice = inject('servers');
  const isOurs = choice.source === 'process';
  ctx.skip(!isOurs, 'needs a server that reads a configuration file of this machine');
  const folder = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
  ctx.onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'nats.conf');
  await writeFile(file, config);
  await using starting = new AsyncDisposableStack();
  const redis = starting.use(await startRedis(choice));
  const nats = starting.use(await startNats(choice, { args: ['-c', file] }));
  const urlOf = (user?: string, password = ''): string =>
    user === undefined ? nats.url : nats.url.replace('nats://', `nats://${user}:${password}@`);
  const url = urlOf(manager?.user, manager?.password);
  starting.use(await startManager({ nats: { url }, redis }));
  const scope = starting.move();
  return { urlOf, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
