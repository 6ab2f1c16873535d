import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@mgm/devstack';
import type { RouterName } from '@mgm/protocol';
import type { DataFolder } from '../data-folder.ts';
import { consoleProgram } from './programs.ts';
import { Supervisor, type SupervisorListener } from './supervisor.ts';

const STOP_WITHIN_MS = 2_000;
/** A fresh checkout builds the pages first. */
const ANSWERS_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 200;

export interface ConsoleOptions {
  readonly natsUrl: string;
  readonly router: RouterName;
  readonly folder: DataFolder;
  readonly listener: SupervisorListener;
}

/** The console, a supervised process on a port that it keeps. Disposing stops it. */
export class Console implements AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly url: string;

  private constructor(port: number, { natsUrl, router, folder, listener }: ConsoleOptions) {
    this.url = `http://127.0.0.1:${port}`;
    const env = { MGM_NATS_URL: natsUrl, MGM_ROUTER: router, MGM_CONSOLE_PORT: String(port) };
    const logFile = join(folder.logs, 'console.log');
    const program = { name: 'console', file: consoleProgram(), args: [], env, logFile };
    this.supervisor = new Supervisor({ ...program, folder: folder.temporary }, listener);
  }

  static async start(options: ConsoleOptions): Promise<Console> {
    return new Console(await freePort(), options);
  }

  /** Resolves with whether it answers: `false` after a minute, or when the signal fires. */
  async answers(signal: AbortSignal): Promise<boolean> {
    const deadlineMono = performance.now() + ANSWERS_WITHIN_MS;
    while (!signal.aborted && performance.now() < deadlineMono) {
      const isUp = await fetch(`${this.url}/livez`, { signal }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) return true;
      await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.stop(STOP_WITHIN_MS);
  }
}
