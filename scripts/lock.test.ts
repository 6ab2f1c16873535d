import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from './lock.mjs';

let lock: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'mgm-lock-'));
  lock = join(folder, 'setup.lock');
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

const silent = () => {};

describe('a lock between processes', () => {
  it('admits one process at a time and is removed afterwards', async () => {
    let working = 0;
    const work = async () => {
      working += 1;
      expect(working).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      working -= 1;
      return 'done';
    };
    const results = await Promise.all([1, 2, 3].map(() => withLock(lock, silent, work)));
    expect(results).toEqual(['done', 'done', 'done']);
    expect(existsSync(lock)).toBe(false);
  });

  it('is removed after failed work', async () => {
    const failing = withLock(lock, silent, () => Promise.reject(new Error('npm failed')));
    await expect(failing).rejects.toThrow('npm failed');
    expect(existsSync(lock)).toBe(false);
  });

  it('is broken if its process has ended', async () => {
    const { pid } = spawnSync('true');
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(pid));
    await expect(withLock(lock, silent, () => Promise.resolve('done'))).resolves.toBe('done');
  });

  it('makes others wait while its process is running, with one message', async () => {
    const said: string[] = [];
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    const waiting = withLock(
      lock,
      (line) => {
        said.push(line);
        rmSync(lock, { recursive: true });
      },
      () => Promise.resolve('done'),
    );
    await expect(waiting).resolves.toBe('done');
    expect(said).toEqual([`waiting for process ${process.pid}, which does the same …`]);
  });
});
