// @ts-check
import { spawn } from 'node:child_process';

/** Passed on to children. A terminal sends the first and last two to its foreground group only, and ours is not that. */
const PASSED_ON = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGWINCH']);
/** npm passes Ctrl-C on, after the terminal has already sent it: two signals so close together are one wish. */
const SAME_WISH_MS = 300;
const KILL_AFTER_MS = 5_000;
const KEPT_OUTPUT = 256 * 1024;

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {'inherit' | 'collect'} output 'collect' keeps the last 256 KiB of both streams for the result
 * @property {number} [withinMs] after this long the child and its whole group are ended; without it there is no limit
 * @property {boolean} [guarded] the child is a Node that preloads `end-with-parent.mjs`, so it ends when this process vanishes;
 *   signals go to it alone, since it ends what it started. Otherwise they go to all of its group, as from a terminal
 */

/**
 * @typedef {object} RunResult
 * @property {number} code as a shell gives it: 128 + number for a signal, 127 when it could not be started
 * @property {string} output what was collected, and why it ended where that is not plain from its output
 */

/**
 * Runs a command in a process group of its own and waits until it ended. Signals that this process gets meanwhile are
 * passed on to it, each once, and this process stays: what to do about them is the child's decision.
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
  const stopPassing = passSignals((signal) =>
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
    stopPassing();
  }
}

/** @param {(signal: NodeJS.Signals) => void} send */
function passSignals(send) {
  /** @type {Map<string, number>} */
  const lastMono = new Map();
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    const nowMono = performance.now();
    const again = nowMono - (lastMono.get(signal) ?? -Infinity) < SAME_WISH_MS;
    if (again) return;
    lastMono.set(signal, nowMono);
    send(signal);
  };
  for (const signal of PASSED_ON) process.on(signal, passOn);
  return () => {
    for (const signal of PASSED_ON) process.off(signal, passOn);
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
    // The group is gone already.
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
