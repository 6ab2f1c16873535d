import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { run } from './program.ts';
import { mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

async function folderFor(ctx: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mgm-snapshot-'));
  ctx.onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('mgmctl snapshot', () => {
  it('saves a router to a file that only its owner can read, and shows what it contains', async (ctx) => {
    const folder = await folderFor(ctx);
    const file = join(folder, 'r1.json');
    await writeFile(file, 'a former one');
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 9, nextHop: '10.0.0.9' }]);
    await pim.addGroupMembershipEntry({ ifIndex: 7, group: '239.1.1.1' });
    const saved = await router.run(['snapshot', 'save', file]);
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    expect(saved.stdout).toMatch(
      /^router +\S+\nsaved +.+ UTC\nrevision +3 of log \S+\nmembership revision +1\nsessions +1\ninterfaces +2\nmemberships +1\n$/,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['r1.json']);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      ...{ format: 'mgm-snapshot', version: 1, router: router.name, rev: 3, mrev: 1 },
      sessions: [{ session: pim.id, name: 'pim-1' }],
      interfaces: [{ ifIndex: 7 }, { ifIndex: 9, nextHop: '10.0.0.9' }],
      memberships: [{ group: '239.1.1.1', ifIndex: 7, session: pim.id }],
    });
    expect(await run(['snapshot', 'inspect', file])).toEqual(saved);
    const { stdout } = await run(['snapshot', 'inspect', file, '--json']);
    const counts = { sessions: 1, interfaces: 2, memberships: 1 };
    expect(objects(stdout)).toEqual([expect.objectContaining({ router: router.name, ...counts })]);
  });

  it.each([
    ['', /is no snapshot/],
    ['{"format":"mgm-snapshot","version":2}', /has version 2, this mgmctl reads 1/],
    ['{"format":"mgm-snapshot","version":1,"rev":1}', /is damaged: fields are missing/],
  ])('refuses to inspect %j and says why', async (text, why) => {
    const folder = await mkdtemp(join(tmpdir(), 'mgm-snapshot-'));
    const file = join(folder, 'x.json');
    await writeFile(file, text);
    const { code, stdout, stderr } = await run(['snapshot', 'inspect', file]);
    await rm(folder, { recursive: true });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(why);
  });

  it('says that a file cannot be read or written, and leaves nothing behind', async (ctx) => {
    const folder = await folderFor(ctx);
    const missing = join(folder, 'missing', 'r1.json');
    const read = await run(['snapshot', 'inspect', missing]);
    expect(read).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
    await using router = await stage.router();
    const written = await router.run(['snapshot', 'save', missing]);
    expect(written).toMatchObject({ code: 5, stderr: expect.stringContaining('ENOENT') });
    expect((await router.run(['snapshot', 'save', folder])).code).toBe(5);
    expect(await readdir(folder)).toEqual([]);
  });
});
