import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Sends a signal to the program it starts as soon as the parent is gone, also when that was killed itself (Linux). */
const SETPRIV = '/usr/bin/setpriv';
const hasSetpriv = (): boolean => existsSync(SETPRIV);

const alive = new Set<ChildProcess>();

/** A program with a folder to run in, and what it gets when this process is gone. */
export interface BoundProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly onOrphaned: 'KILL' | 'TERM';
}

/**
 * Starts a program that does not outlive this process. Its output is piped, its input closed. On Linux with setpriv
 * (a part of every distribution's base) that also holds when this process is killed, and the program has a session of its
 * own: Ctrl-C in a terminal reaches this process alone, which can then end things in order. Elsewhere it ends when this
 * process exits by itself, and shares its terminal.
 */
export function spawnBound({ command, args, dir, onOrphaned }: BoundProgram): ChildProcess {
  if (alive.size === 0) process.on('exit', killAll);
  const detached = hasSetpriv();
  const [program, ...all] = detached
    ? [SETPRIV, '--pdeathsig', onOrphaned, '--', command, ...args]
    : [command, ...args];
  const child = spawn(program, all, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], detached });
  alive.add(child);
  child.once('close', () => forget(child));
  return child;
}

/** Whether it runs, be it stopped by a signal. */
export function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Resolves when the process is gone. */
export function gone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (isRunning(child)) child.once('exit', () => resolve());
    else resolve();
  });
}

/** Ends a program and, where it has a session of its own, everything that it started. */
export function endWithChildren(child: ChildProcess): void {
  if (!isRunning(child)) return;
  if (hasSetpriv() && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  else child.kill('SIGTERM');
}

function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

function forget(child: ChildProcess): void {
  alive.delete(child);
  if (alive.size === 0) process.off('exit', killAll);
}
