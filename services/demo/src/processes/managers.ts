import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError, type Mgm } from '@mgm/client';
import { freePort } from '@mgm/devstack';
import type { DataFolder } from '../data-folder.ts';
import { managerProgram } from './programs.ts';
import { Supervisor, type SupervisorListener } from './supervisor.ts';

/** How long a stopping manager may take to answer accepted requests. */
const SHUTDOWN_MS = 2_000;
const STOP_WITHIN_MS = SHUTDOWN_MS + 1_000;

export interface ManagersOptions {
  readonly count: number;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly folder: DataFolder;
  readonly listener: SupervisorListener;
}

interface ManagersParts extends ManagersOptions {
  /** A port of 127.0.0.1 for the health server of each. */
  readonly healthPorts: readonly number[];
}

/** Manager replicas, each a supervised process. Disposing stops them. */
export class Managers implements AsyncDisposable {
  /** Their names on the bus, unique to this run. */
  readonly names: readonly string[];
  readonly replicas: readonly Supervisor[];

  /** The addresses of their metrics, for Prometheus. They stay the same after a restart. */
  readonly metricsUrls: readonly string[];

  private constructor(options: ManagersParts) {
    const run = process.pid.toString(36);
    this.names = Array.from({ length: options.count }, (_, at) => `manager-${at + 1}-${run}`);
    this.metricsUrls = options.healthPorts.map((port) => `http://127.0.0.1:${port}/metrics`);
    this.replicas = this.names.map((name, at) =>
      startManager(
        { ...options, name: `manager-${at + 1}`, nameOnBus: name },
        options.healthPorts[at],
      ),
    );
  }

  static async start(options: ManagersOptions): Promise<Managers> {
    const healthPorts = new Set<number>();
    while (healthPorts.size < options.count) healthPorts.add(await freePort());
    return new Managers({ ...options, healthPorts: [...healthPorts] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop(STOP_WITHIN_MS)));
  }
}

interface ManagerOptions extends ManagersOptions {
  readonly name: string;
  readonly nameOnBus: string;
}

function startManager(
  { name, nameOnBus, natsUrl, redisUrl, folder, listener }: ManagerOptions,
  healthPort = 0,
): Supervisor {
  const env = {
    MGM_NATS_URL: natsUrl,
    MGM_REDIS_URL: redisUrl,
    MGM_NAME: nameOnBus,
    MGM_HEALTH_PORT: String(healthPort),
    MGM_SHUTDOWN_MS: String(SHUTDOWN_MS),
  };
  const program = {
    name,
    file: managerProgram(),
    args: [],
    env,
    folder: folder.temporary,
    logFile: join(folder.logs, `${name}.log`),
  };
  return new Supervisor(program, listener);
}

const READY_WITHIN_MS = 30_000;
/** After this many starts without becoming ready, a manager is given up. */
const STARTS_MAX = 3;
const ANSWER_WITHIN_MS = 2_000;
const ASK_EVERY_MS = 50;
const REPLICAS_WITHIN_MS = 300;
/** The last lines of a failing manager's log give the reason. */
const LAST_LINES = 8;

/**
 * Resolves when every manager answers and a request was executed.
 *
 * Rejects after half a minute, or when a manager ends repeatedly, with the last lines of the managers' logs; when `signal` aborts,
 * with its reason.
 */
export async function untilReady(mgm: Mgm, managers: Managers, signal: AbortSignal): Promise<void> {
  const deadlineMono = performance.now() + READY_WITHIN_MS;
  let trouble = 'no manager answered';
  for (;;) {
    signal.throwIfAborted();
    try {
      const missing = await notAnswering(mgm, managers);
      if (missing.length > 0) throw new Error(`no answer of ${missing.join(', ')}`);
      await mgm.sessions({ limit: 1, deadlineMs: ANSWER_WITHIN_MS, signal }).next();
      return;
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    const failing = managers.replicas.some(({ starts }) => starts > STARTS_MAX);
    if (failing || performance.now() > deadlineMono) throw await notReady(trouble, managers);
    await delay(ASK_EVERY_MS, undefined, { signal });
  }
}

/** The managers of this run that did not answer. */
export async function notAnswering(mgm: Mgm, managers: Managers): Promise<string[]> {
  const replicas = await mgm.replicas({ withinMs: REPLICAS_WITHIN_MS }).catch((error: unknown) => {
    // While NATS is not connected no replica answers.
    if (isMgmError(error)) return [];
    throw error;
  });
  const answering = new Set(replicas.map(({ name }) => name));
  return managers.names.filter((name) => !answering.has(name));
}

async function notReady(trouble: string, managers: Managers): Promise<Error> {
  const logs = await Promise.all(managers.replicas.map(({ program }) => lastLines(program)));
  return new Error([`the managers did not become ready: ${trouble}`, ...logs.flat()].join('\n'));
}

async function lastLines({ name, logFile }: { name: string; logFile: string }): Promise<string[]> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const lines = text.trim().split('\n').slice(-LAST_LINES);
  return lines.map((line) => `  ${name}: ${line}`);
}
