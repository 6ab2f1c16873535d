import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Starts a program that gets a signal as soon as its parent ends, also if that was killed (Linux). */
const SETPRIV = '/usr/bin/setpriv';
const hasSetpriv = (): boolean => existsSync(SETPRIV);

const KILL_AFTER_MS = 5_000;

const alive = new Set<ChildProcess>();

/** A program, the folder to run in, and the signal it gets when this process ends. */
export interface BoundProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly onOrphaned: 'KILL' | 'TERM';
  /** Its whole environment. Default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file descriptor that gets its output. Default: the output is piped. */
  readonly output?: number;
}

/**
 * Starts a program that does not outlive this process, with its input closed. On Linux with setpriv
 * (part of every distribution's base) this also holds if this process is killed, and the program has a session of its own:
 * Ctrl-C in a terminal reaches only this process, which can then shut down in order. On other systems the program ends
 * when this process exits normally, and shares its terminal.
 */
export function spawnBound(bound: BoundProgram): ChildProcess {
  const { command, args, dir, onOrphaned, env, output = 'pipe' } = bound;
  if (alive.size === 0) process.on('exit', killAll);
  const detached = hasSetpriv();
  const [program, ...all] = detached
    ? [SETPRIV, '--pdeathsig', onOrphaned, '--', command, ...args]
    : [command, ...args];
  const child = spawn(program, all, {
    cwd: dir,
    stdio: ['ignore', output, output],
    detached,
    ...(env && { env }),
  });
  alive.add(child);
  child.once('close', () => forget(child));
  return child;
}

/** Whether the process exists, running or stopped by a signal. */
export function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Resolves when the process has ended. */
export function gone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (isRunning(child)) child.once('exit', () => resolve());
    else resolve();
  });
}

/**
 * Ends a program and, if it has a session of its own, all its children. What still holds its output open after five seconds
 * is killed.
 */
export function endWithChildren(child: ChildProcess): void {
  if (!isRunning(child)) return;
  signalWithChildren(child, 'SIGTERM');
  const timer = setTimeout(() => signalWithChildren(child, 'SIGKILL'), KILL_AFTER_MS);
  child.once('close', () => clearTimeout(timer));
}

function signalWithChildren(child: ChildProcess, signal: NodeJS.Signals): void {
  if (hasSetpriv() && child.pid !== undefined) process.kill(-child.pid, signal);
  else child.kill(signal);
}

function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

function forget(child: ChildProcess): void {
  alive.delete(child);
  if (alive.size === 0) process.off('exit', killAll);
}
