// @ts-check
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const WAIT_WITHIN_MS = 15 * 60_000;
const POLL_MS = 200;
/** A lock without a process id is being created, for at most this time. */
const UNSIGNED_MS = 5_000;

/**
 * Runs `work` under a lock between processes of this machine. The lock of a process that has ended is broken.
 *
 * @template T
 * @param {string} lock path of the lock's folder
 * @param {(line: string) => void} say called if it has to wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(lock, say, work) {
  await acquire(lock, say);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/**
 * @param {string} lock
 * @param {(line: string) => void} say
 */
async function acquire(lock, say) {
  mkdirSync(dirname(lock), { recursive: true });
  const deadlineMono = performance.now() + WAIT_WITHIN_MS;
  let told = false;
  while (!tryAcquire(lock)) {
    if (breakIfAbandoned(lock)) continue;
    if (performance.now() > deadlineMono)
      throw new Error(
        `${lock} is still held by process ${holderOf(lock)}; remove it if that process does not use it`,
      );
    if (!told) say(`waiting for process ${holderOf(lock)}, which does the same …`);
    told = true;
    await delay(POLL_MS);
  }
}

/** @param {string} lock */
function tryAcquire(lock) {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  return true;
}

/** @param {string} lock */
function holderOf(lock) {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Renames an abandoned lock. Two processes may find it abandoned concurrently, and the second one would rename the new lock of the
 * first. So it reads the renamed lock again, and renames it back if it is a new one.
 *
 * @param {string} lock
 */
function breakIfAbandoned(lock) {
  const holder = holderOf(lock);
  if (!isAbandoned(lock, holder)) return false;
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (holderOf(aside) === holder) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, lock);
  } catch {
    // Another process was faster.
  }
  return true;
}

/**
 * @param {string} lock
 * @param {number | undefined} holder
 */
function isAbandoned(lock, holder) {
  try {
    if (holder === undefined) return Date.now() - statSync(lock).mtimeMs > UNSIGNED_MS;
    process.kill(holder, 0);
    return false;
  } catch (error) {
    // EPERM: it is running, as another user.
    return !(error instanceof Error && 'code' in error && error.code === 'EPERM');
  }
}
