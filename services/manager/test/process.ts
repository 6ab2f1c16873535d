import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COMPILED, eventually } from '@mgm/test-support';
import { expect } from 'vitest';
import type { LogLine } from './in-process.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const READY_WITHIN_MS = 10_000;

/** A manager as an operator runs it. Disposing kills it if it still runs. */
export interface ManagerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  readonly stderr: string;
  /** Its exit code and how long it took from the call to the exit, in ms. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<{ code: number | null; ms: number }>;
  send(signal: 'SIGTERM' | 'SIGINT'): void;
  /** Resolves with the exit code, however it ended. */
  readonly exit: Promise<number | null>;
}

/** Starts a manager with no other settings than these. */
export function spawnManager(env: Readonly<Record<string, string>>): ManagerProcess {
  const args = ['--conditions=@mgm/source', '--disable-warning=ExperimentalWarning', MAIN];
  const child = spawn(process.execPath, args, {
    env: { ...COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  let stderr = '';
  eachLine(child, (line) => lines.push(JSON.parse(line) as LogLine));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    lines,
    get stderr() {
      return stderr;
    },
    exit,
    send: (signal) => void child.kill(signal),
    end: async (signal) => {
      const askedMono = performance.now();
      child.kill(signal);
      const code = await exit;
      return { code, ms: performance.now() - askedMono };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** Resolves when the manager has logged that it serves. */
export async function ready(manager: ManagerProcess): Promise<void> {
  await logged(manager, 'ready', READY_WITHIN_MS);
}

/** Resolves with the line when the manager has logged this message. */
export async function logged(
  manager: ManagerProcess,
  msg: string,
  withinMs = 10_000,
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

function eachLine(child: ChildProcess, take: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(part);
  });
}
