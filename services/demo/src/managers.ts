import { join } from 'node:path';
import type { DataFolder } from './data-folder.ts';
import { managerProgram } from './programs.ts';
import { Supervisor, type SupervisorListener } from './supervisor.ts';

/** What a stopping manager has to answer what it took. */
const SHUTDOWN_MS = 2_000;
const STOP_WITHIN_MS = SHUTDOWN_MS + 1_000;

export interface ManagersOptions {
  readonly count: number;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly folder: DataFolder;
  readonly listener: SupervisorListener;
}

/** Manager replicas, each a process that is started again when it ends. Disposing stops them. */
export class Managers implements AsyncDisposable {
  /** As they call themselves on the bus: no other run has these names. */
  readonly names: readonly string[];
  readonly replicas: readonly Supervisor[];

  constructor(options: ManagersOptions) {
    const run = process.pid.toString(36);
    this.names = Array.from({ length: options.count }, (_, at) => `manager-${at + 1}-${run}`);
    this.replicas = this.names.map((name, at) => startManager(`manager-${at + 1}`, name, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop(STOP_WITHIN_MS)));
  }
}

function startManager(
  name: string,
  nameOnBus: string,
  { natsUrl, redisUrl, folder, listener }: ManagersOptions,
): Supervisor {
  const env = {
    MGM_NATS_URL: natsUrl,
    MGM_REDIS_URL: redisUrl,
    MGM_NAME: nameOnBus,
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
