import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@mgm/devstack';

const SETPRIV = '/usr/bin/setpriv';
const READY_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** A server of another system, on 127.0.0.1. Disposing ends it and removes its data. */
export interface PeerServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

/** The program to start. */
export interface PeerProgram {
  readonly name: string;
  readonly command: string;
  /** Returns its arguments for a port, another free port, and a folder for its data. */
  readonly argsAt: (port: number, secondPort: number, dir: string) => readonly string[];
  /** Resolves to whether it serves. Default: whether it accepts connections. */
  readonly serves?: (port: number) => Promise<boolean>;
}

/** Starts it and resolves when it serves. Rejects with the end of its output otherwise. */
export async function startPeer(peer: PeerProgram): Promise<PeerServer> {
  const { name, command, argsAt, serves = listens } = peer;
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), `mgm-bench-${name}-`));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const port = await freePort();
  const bound = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--', command] : [command];
  const [program = '', ...args] = [...bound, ...argsAt(port, await freePort(), dir)];
  const child = spawn(program, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  started.defer(() => end(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-2000);
    });
  }
  const deadlineMono = performance.now() + READY_WITHIN_MS;
  while (!(await serves(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMono) {
      throw new Error(`${name} did not start\n${output}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
  const owned = started.move();
  return { port, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
