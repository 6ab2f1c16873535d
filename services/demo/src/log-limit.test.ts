import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limitOnce } from './data-folder.ts';

describe('the limit of logs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mgm-demo-test-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('moves a long log away, while its writer continues at the new end', async () => {
    const file = join(folder, 'pim.log');
    const writer = createWriteStream(file, { flags: 'a' });
    const write = (text: string): Promise<void> =>
      new Promise((resolve) => writer.write(text, () => resolve()));
    await write('0123456789\n');
    await limitOnce(folder, 10);
    await write('after\n');
    writer.end();
    expect(await readFile(file, 'utf8')).toBe('after\n');
    expect(await readFile(`${file}.old`, 'utf8')).toBe('0123456789\n');
  });

  it('ignores short logs and other files', async () => {
    await writeFile(join(folder, 'pim.log'), '0123456789');
    await writeFile(join(folder, 'pim.log.old'), '0123456789 and more');
    await limitOnce(folder, 10);
    expect((await readdir(folder)).toSorted()).toEqual(['pim.log', 'pim.log.old']);
    expect(await readFile(join(folder, 'pim.log'), 'utf8')).toBe('0123456789');
  });
});
