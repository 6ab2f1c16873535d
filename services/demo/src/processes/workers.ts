import { join } from 'node:path';
import type { RouterName } from '@mgm/protocol';
import type { DataFolder } from '../data-folder.ts';
import { WORKER_PROGRAM } from './programs.ts';
import { Supervisor, type SupervisorListener } from './supervisor.ts';

/** The protocols of the demo, one worker process each. */
const WORKER_NAMES = ['PIM', 'DVMRP', 'IGMP'] as const;

/** A stopping worker gives its interfaces back and deregisters. */
const STOP_WITHIN_MS = 3_000;

export interface WorkersOptions {
  readonly natsUrl: string;
  readonly router: RouterName;
  readonly seed: number;
  readonly folder: DataFolder;
  readonly listener: SupervisorListener;
}

/** The worker processes, supervised. Disposing stops them. */
export class Workers implements AsyncDisposable {
  readonly supervisors: readonly Supervisor[];

  constructor(options: WorkersOptions) {
    this.supervisors = WORKER_NAMES.map((name, at) => startWorker(name, at, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.supervisors.map((supervisor) => supervisor.stop(STOP_WITHIN_MS)));
  }
}

function startWorker(
  name: (typeof WORKER_NAMES)[number],
  at: number,
  { natsUrl, router, seed, folder, listener }: WorkersOptions,
): Supervisor {
  const program = {
    name,
    file: WORKER_PROGRAM,
    args: ['--protocol', name, '--router', router, '--seed', String(seed + at)],
    // The former process has ended, so its session may be taken over.
    restartArgs: ['--takeover'],
    // Not an argument, which every user of the machine can read: it may contain a password.
    env: { MGM_NATS_URL: natsUrl },
    folder: folder.temporary,
    logFile: join(folder.logs, `${name.toLowerCase()}.log`),
  };
  return new Supervisor(program, listener);
}
