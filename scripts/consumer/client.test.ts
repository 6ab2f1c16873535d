import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE, ROOT } from '../setup.mjs';
import { installTools } from '../tools.ts';
import { EmptyFolder, packAll, tarballsOf } from './empty-folder.ts';

/**
 * The budget of the client with all it needs, minified and compressed, in bytes. `nats` takes 73 kB of it and the decoder of
 * `msgpackr` 6 kB; memberships, routes and forwarding entries about 20 kB. The checks of requests take 5 kB: without them a wrong
 * argument would be reported by a manager only, and not while none can be reached.
 */
const BUNDLE_MAX = 130_000;

/** Compilers and package managers of other projects are slow on a busy machine. */
const LIMIT = { timeout: 300_000 };

const TYPESCRIPT = `
import { connect, isMgmError, ProtocolId, VERSION, type Mgm, type Ownership } from '@mgm/client';
export async function work(mgm: Mgm): Promise<string> {
  const session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  const ownership: Ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
  const reason = await ownership.lost;
  return isMgmError(reason, 'session-lost') ? reason.message : VERSION;
}
export const open = (): Promise<Mgm> => connect({ router: 'r1' });
`;
const JAVASCRIPT = `
import { connect, VERSION } from '@mgm/client';
const servers = 'nats://127.0.0.1:1';
const failure = await connect({ router: 'r1', servers, deadlineMs: 100 }).catch((error) => error);
console.log(VERSION, failure.code ?? failure.message);
`;
const COMMON_JS = `
const { connect, VERSION } = require('@mgm/client');
const { version } = require('@mgm/client/package.json');
console.log(typeof connect, VERSION === version);
`;

describe('the client, installed from its package in an empty folder', LIMIT, () => {
  let folder: EmptyFolder;
  let packages: EmptyFolder;
  let tarballs: Readonly<Record<string, string>>;
  let tools: string;
  beforeAll(async () => {
    [folder, packages] = await Promise.all([EmptyFolder.create(), EmptyFolder.create()]);
    tools = await installTools();
    tarballs = await packAll(packages);
    await folder.write({
      'package.json': '{ "private": true, "type": "module" }',
      'app.ts': TYPESCRIPT,
      'app.mjs': JAVASCRIPT,
      'app.cjs': COMMON_JS,
      'bundle.mjs': "export * from '@mgm/client';",
      'connect.mjs': "export { connect } from '@mgm/client';",
    });
    const types = join(ROOT, 'node_modules/@types/node');
    const { version } = JSON.parse(await readFile(join(types, 'package.json'), 'utf8')) as {
      version: string;
    };
    const needed = tarballsOf(tarballs, 'client', 'protocol', 'nats');
    await folder.install(...needed, `@types/node@${version}`);
  }, LIMIT.timeout);
  afterAll(async () => {
    await folder[Symbol.asyncDispose]();
    await packages[Symbol.asyncDispose]();
  });

  // The types of the package nats need the library dom without skipLibCheck.
  const compile = (tsc: string) =>
    folder.tryToRun(tsc, [
      ...[
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        'false',
        '--target',
        'es2022',
      ],
      ...[
        '--module',
        'nodenext',
        '--types',
        'node',
        '--lib',
        'es2022,esnext.disposable,dom',
        'app.ts',
      ],
    ]);

  it('compiles in strict TypeScript 6 and 7, also without skipLibCheck', async () => {
    for (const tsc of [join(tools, '.bin/tsc'), join(ROOT, 'node_modules/.bin/tsc')]) {
      const { code, output } = await compile(tsc);
      expect([code, output]).toEqual([0, '']);
    }
  });

  it.each([
    ['Node 22.18', () => join(tools, 'node-oldest/bin/node')],
    ['Node 24', () => NODE],
    ['Bun', () => join(tools, '.bin/bun')],
  ])('runs as JavaScript and by require on %s', async (_name, program) => {
    expect(await folder.run(program(), ['app.mjs'])).toMatch(/^\d+\.\d+\.\d+ MGM_UNAVAILABLE$/);
    expect(await folder.run(program(), ['app.cjs'])).toBe('function true');
  });

  it('says in one line that Node 20 is too old', async () => {
    const old = join(tools, 'node-too-old/bin/node');
    expect(await folder.run(old, ['app.mjs'])).toMatch(
      /^\d+\.\d+\.\d+ @mgm\/client needs Node 22\.18 or newer, this is 20\.\d+$/,
    );
  });

  it('runs when esbuild and rolldown have bundled it', async () => {
    const esbuild = ['app.mjs', '--bundle', '--platform=node', '--format=esm', '--outfile=es.mjs'];
    const requires =
      "--banner:js=import { createRequire as r } from 'node:module'; const require = r(import.meta.url);";
    await folder.run(join(tools, '.bin/esbuild'), [...esbuild, '--log-level=error', requires]);
    const code = await bundle(join(folder.path, 'app.mjs'));
    await folder.write({ 'rolldown.mjs': code });
    for (const file of ['es.mjs', 'rolldown.mjs']) {
      expect(await folder.run(NODE, [file])).toContain(' MGM_UNAVAILABLE');
    }
  });

  it(`is at most ${BUNDLE_MAX / 1000} kB when bundled and compressed`, async () => {
    const bytes = gzipSync(await bundle(join(folder.path, 'connect.mjs'))).length;
    process.stdout.write(`the client is ${(bytes / 1000).toFixed(1)} kB, bundled and compressed\n`);
    expect(bytes).toBeLessThanOrEqual(BUNDLE_MAX);
  });

  it.each(['client', 'protocol', 'nats', 'policy', 'store', 'manager', 'devstack', 'testing'])(
    'has entries whose types resolve as modules: %s',
    async (name) => {
      const tarball = tarballsOf(tarballs, name);
      const attw = ['--profile', 'esm-only', '--no-emoji', '--no-color', ...tarball];
      await expect(folder.run(join(tools, '.bin/attw'), attw)).resolves.toContain(`@mgm/${name}`);
    },
  );
});

async function bundle(input: string): Promise<string> {
  await using bundled = await rolldown({ input, platform: 'node' });
  const { output } = await bundled.generate({ minify: true, format: 'esm' });
  return output.map((part) => (part.type === 'chunk' ? part.code : '')).join('');
}
