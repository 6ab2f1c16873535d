import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RunningServer } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';

export interface FleetOptions {
  readonly count: number;
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  /** The prefix of its subjects and keys. */
  readonly name: string;
  readonly profileDir: string | undefined;
  /** More settings of the managers. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Managers that serve together. Disposing stops them, as an orchestrator would. */
export interface Fleet extends AsyncDisposable {
  readonly prefix: string;
  readonly keyPrefix: string;
  readonly pids: readonly number[];
}

/**
 * Starts managers with default settings, except for a longer store timeout, and resolves when all serve. Their logs go to files,
 * since a pipe would cost the load generator a read for every few lines.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { count, redis, nats, name, profileDir, env } = options;
  await using starting = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'mgm-bench-'));
  starting.defer(() => rm(dir, { recursive: true, force: true }));
  const prefix = `bench.${name}`;
  const settings = {
    MGM_PREFIX: prefix,
    MGM_KEY_PREFIX: name,
    // The maximum: on a busy machine the run is slow and does not fail.
    MGM_STORE_TIMEOUT_MS: '2000',
    ...env,
  };
  const nodeArgs =
    profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profileDir)}`];
  const pids: number[] = [];
  for (let at = 0; at < count; at++) {
    const logFile = join(dir, `${at}`);
    const manager = await startManager({ redis, nats }, settings, { logFile, nodeArgs });
    pids.push(starting.use(manager).pid);
  }
  const started = starting.move();
  return {
    prefix,
    keyPrefix: name,
    pids,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
