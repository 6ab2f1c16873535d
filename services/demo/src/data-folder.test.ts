import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.ts';

/** Above the highest process id of Linux. */
const NO_PROCESS = '4194305';

describe('the data folder', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'mgm-demo-test-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  it('is different for each run, and removed at the end', async () => {
    const first = await openDataFolder(undefined, parent);
    const second = await openDataFolder(undefined, parent);
    expect(first.path).not.toBe(second.path);
    await writeFile(join(first.redis, 'appendonly.aof'), 'state');
    await first.close();
    await second.close();
    expect(await readdir(parent)).toEqual([]);
  });

  it('keeps the logs of a failed run', async () => {
    const folder = await openDataFolder(undefined, parent);
    await writeFile(join(folder.logs, 'manager-1.log'), 'why');
    folder.keepLogs();
    await folder.close();
    expect(await readdir(folder.path)).toEqual(['logs']);
  });

  it('keeps state and logs, and nothing else, if it was named', async () => {
    const asked = join(parent, 'deep', 'mine');
    const folder = await openDataFolder(asked, parent);
    await writeFile(join(folder.temporary, 'x'), '');
    await folder.close();
    expect((await readdir(asked)).toSorted()).toEqual(['logs', 'redis']);
  });

  it('is refused while another run uses it, and the message names that run', async () => {
    const asked = join(parent, 'mine');
    const folder = await openDataFolder(asked, parent);
    await expect(openDataFolder(asked, parent)).rejects.toThrow(
      new RegExp(`in use by process ${process.pid}: stop that first, or name another`),
    );
    await folder.close();
    await (await openDataFolder(asked, parent)).close();
  });

  it.each([NO_PROCESS, '', 'nonsense'])(
    'is free if its last run was killed, lock %j',
    async (text) => {
      const asked = join(parent, 'mine');
      await (await openDataFolder(asked, parent)).close();
      await writeFile(join(asked, 'start.pid'), text);
      const folder = await openDataFolder(asked, parent);
      await expect(openDataFolder(asked, parent)).rejects.toThrow('in use');
      await folder.close();
      expect((await readdir(asked)).toSorted()).toEqual(['logs', 'redis']);
    },
  );

  it('says what to do if nothing can be written', async () => {
    const file = join(parent, 'file');
    await writeFile(file, '');
    await expect(openDataFolder(join(file, 'x'), parent)).rejects.toThrow(
      /no data can be stored: .*--data names another folder/,
    );
  });
});
