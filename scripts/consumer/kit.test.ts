import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { environment, NODE, ROOT } from '../setup.mjs';
import { installTools } from '../tools.ts';
import { EmptyFolder, packAll, tarballsOf } from './empty-folder.ts';

const NEEDED = ['testing', 'devstack', 'client', 'protocol', 'nats', 'manager', 'policy', 'store'];
const { redis } = inject('servers');
/** A package manager is slow on a busy machine. */
const LIMIT = { timeout: 300_000 };

describe(
  'the testing kit and the programs, installed from their packages in an empty folder',
  LIMIT,
  () => {
    let folder: EmptyFolder;
    let packages: EmptyFolder;
    beforeAll(async () => {
      [folder, packages] = await Promise.all([EmptyFolder.create(), EmptyFolder.create()]);
      const tarballs = await packAll(packages);
      await folder.write({ 'package.json': '{ "private": true, "type": "module" }' });
      const vitest = JSON.parse(
        await readFile(join(ROOT, 'node_modules/vitest/package.json'), 'utf8'),
      ) as {
        version: string;
      };
      await folder.install(
        ...tarballsOf(tarballs, ...NEEDED, 'mgmctl'),
        `vitest@${vitest.version}`,
      );
    }, LIMIT.timeout);
    afterAll(async () => {
      await folder[Symbol.asyncDispose]();
      await packages[Symbol.asyncDispose]();
    });

    it('runs the test of its README with processes', async (context) => {
      const isProcess = redis.kind === 'process';
      context.skip(!isProcess, 'the servers of this run are no processes');
      const readme = await readFile(
        join(folder.path, 'node_modules/@mgm/testing/README.md'),
        'utf8',
      );
      const [, example = ''] = /^```ts\n(import .*?)^```$/ms.exec(readme) ?? [];
      await folder.write({ 'worker.test.ts': example });
      const { PATH, ...rest } = environment();
      const servers = isProcess ? dirname(redis.command) : '';
      const env = { ...rest, PATH: [servers, PATH].join(delimiter), MGM_SERVERS: 'process' };
      const output = await folder.run(
        NODE,
        ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=60000'],
        env,
      );
      expect(output).toContain('1 passed');
    });

    it.each(['mgm-manager', 'mgmctl'])('%s prints its help', async (program) => {
      const help = await folder.run(NODE, [join('node_modules/.bin', program), '--help']);
      expect(help).toContain(program);
    });

    it.each(['mgm-manager', 'mgmctl'])(
      '%s says in one line that Node 20 is too old',
      async (program) => {
        const old = join(await installTools(), 'node-too-old/bin/node');
        const { code, output } = await folder.tryToRun(old, [
          join('node_modules/.bin', program),
          '--help',
        ]);
        expect([code, output.trim()]).toEqual([
          2,
          expect.stringMatching(
            new RegExp(`^${program}: needs Node 22\\.18 or newer, this is 20\\.\\d+$`),
          ),
        ]);
      },
    );
  },
);
