import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunningServer } from '@mgm/devstack';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = 'services/manager/src/main.ts';
/** Kills a program when its parent has ended, however the parent ended (Linux). */
const SETPRIV = '/usr/bin/setpriv';
const READY = '"msg":"ready"';
const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;
const STOP_WITHIN_MS = 8_000;

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
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'mgm-bench-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const prefix = `bench.${options.name}`;
  const children = await Promise.all(
    Array.from({ length: options.count }, (_, at) => startOne(options, prefix, join(dir, `${at}`))),
  );
  started.defer(async () => void (await Promise.all(children.map(stop))));
  await Promise.all(children.map((child, at) => serves(child, join(dir, `${at}`))));
  const owned = started.move();
  return {
    prefix,
    keyPrefix: options.name,
    pids: children.map(({ pid = 0 }) => pid),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startOne(
  { redis, nats, name, profileDir, env }: FleetOptions,
  prefix: string,
  log: string,
): Promise<ChildProcess> {
  const node = [process.execPath, '--conditions=@mgm/source', MAIN];
  const [command = '', ...args] = existsSync(SETPRIV)
    ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...node]
    : node;
  await using file = await open(log, 'w');
  return spawn(command, args, {
    cwd: ROOT,
    stdio: ['ignore', file.fd, file.fd],
    env: {
      MGM_NATS_URL: nats.url,
      MGM_REDIS_URL: redis.url,
      MGM_PREFIX: prefix,
      MGM_KEY_PREFIX: name,
      // The maximum: on a busy machine the run is slow and does not fail.
      MGM_STORE_TIMEOUT_MS: '2000',
      ...(profileDir !== undefined && {
        NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profileDir)}`,
      }),
      ...env,
    },
  });
}

async function serves(child: ChildProcess, log: string): Promise<void> {
  const deadlineMono = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const output = await readFile(log, 'utf8');
    if (output.includes(READY)) return;
    if (hasEnded(child) || performance.now() > deadlineMono) {
      throw new Error(`a manager did not become ready\n${output}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
