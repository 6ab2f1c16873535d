import {
  eventually,
  spawnManager as spawnProcess,
  startStopwatch,
  type TestProcess,
} from '@mgm/test-support';
import { expect } from 'vitest';
import type { LogLine } from './in-process.ts';

const READY_WITHIN_MS = 30_000;

/** A manager as an operator runs it. Disposing kills it. */
export interface ManagerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves to its exit code and the time from the signal to the exit, in ms. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<{ code: number | string; ms: number }>;
  send(signal: 'SIGTERM' | 'SIGINT'): void;
  /** Resolves to the exit code, or to the signal that ended it. */
  exit(): Promise<number | string>;
}

/** Starts a manager with no other settings than these. */
export function spawnManager(env: Readonly<Record<string, string>>): ManagerProcess {
  const started = spawnProcess(env);
  const exit = async (): Promise<number | string> => (await started.ended()).code;
  return {
    pid: started.pid,
    get lines() {
      return linesOf(started);
    },
    get stdout() {
      return started.stdout;
    },
    get stderr() {
      return started.stderr;
    },
    exit,
    send: (signal) => started.signal(signal),
    end: async (signal) => {
      using watch = startStopwatch();
      started.signal(signal);
      const code = await exit();
      return { code, ms: watch.elapsedMs() };
    },
    [Symbol.asyncDispose]: () => started.kill(),
  };
}

/** Resolves when the manager has logged that it serves. */
export async function ready(manager: ManagerProcess): Promise<void> {
  await logged(manager, 'ready', READY_WITHIN_MS);
}

/** Resolves to the first line with this message, once the manager has logged one. */
export async function logged(
  manager: ManagerProcess,
  msg: string,
  withinMs = 30_000,
): Promise<LogLine> {
  return eventually(
    () => {
      const line = manager.lines.find((one) => one.msg === msg);
      expect(line, `${manager.stderr}${JSON.stringify(manager.lines)}`).toBeDefined();
      return line as LogLine;
    },
    { withinMs },
  );
}

/** The complete lines of its log. */
function linesOf({ stdout }: TestProcess): LogLine[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}
