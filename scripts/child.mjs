// @ts-check
import { spawn } from 'node:child_process';

/** Signals forwarded to children, which are not in the foreground process group of the terminal. */
const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGWINCH']);
/** The terminal sends Ctrl-C and npm forwards it: the same signal within this time counts once. */
const SAME_SIGNAL_MS = 300;
const KILL_AFTER_MS = 5_000;
const KEPT_OUTPUT = 256 * 1024;

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {'inherit' | 'collect'} output 'collect' keeps the last 256 KiB of both streams for the result
 * @property {number} [withinMs] then the child and its process group are ended; default: no limit
 * @property {boolean} [guarded] the child is a Node that preloads `end-with-parent.mjs`, so it ends if this process is killed;
 *   signals go only to the child, which ends its own children. Otherwise they go to its process group, as from a terminal
 */

/**
 * @typedef {object} RunResult
 * @property {number} code as in a shell: 128 + number for a signal, 127 if it could not be started
 * @property {string} output the collected output, and why it ended if the output does not tell
 */

/**
 * Runs a command in a process group of its own and waits until it has ended. Signals to this process are forwarded, each once,
 * and do not end this process: the child decides what to do.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @returns {Promise<RunResult>} never rejects
 */
export async function run(command, args, options) {
  const { cwd, env, output, withinMs, guarded = false } = options;
  const stream = output === 'collect' ? 'pipe' : 'inherit';
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: [
      output === 'collect' ? 'ignore' : 'inherit',
      stream,
      stream,
      ...(guarded ? [/** @type {const} */ ('ipc')] : []),
    ],
  });
  const stopForwarding = forwardSignals((signal) =>
    guarded ? child.kill(signal) : signalGroup(child, signal),
  );
  const limit = withinMs === undefined ? undefined : limitTo(withinMs, child);
  const collected = collect(child);
  try {
    const code = await ended(child, collected);
    return {
      code,
      output:
        collected.text() +
        (limit?.passed() ? `\nended after ${withinMs} ms: it took too long\n` : ''),
    };
  } finally {
    limit?.clear();
    stopForwarding();
  }
}

/** @param {(signal: NodeJS.Signals) => void} send */
function forwardSignals(send) {
  /** @type {Map<string, number>} */
  const lastMono = new Map();
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    const nowMono = performance.now();
    const again = nowMono - (lastMono.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
    if (again) return;
    lastMono.set(signal, nowMono);
    send(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

/**
 * @param {number} withinMs
 * @param {import('node:child_process').ChildProcess} child
 */
function limitTo(withinMs, child) {
  let passed = false;
  /** @type {NodeJS.Timeout | undefined} */
  let killTimer;
  const timer = setTimeout(() => {
    passed = true;
    signalGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
  }, withinMs);
  return {
    passed: () => passed,
    clear: () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
    },
  };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended already.
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function collect(child) {
  let kept = '';
  /** @param {string} text */
  const add = (text) => {
    kept = (kept + text).slice(-KEPT_OUTPUT);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', add);
  return { add, text: () => kept };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {{ add(text: string): void }} collected
 * @returns {Promise<number>}
 */
function ended(child, collected) {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      collected.add(`${child.spawnfile} could not be started: ${error.message}\n`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
}

/** @param {NodeJS.Signals | null} signal */
function signalNumber(signal) {
  const numbers = /** @type {Record<string, number>} */ ({
    SIGHUP: 1,
    SIGINT: 2,
    SIGKILL: 9,
    SIGTERM: 15,
  });
  return numbers[signal ?? ''] ?? 1;
}
