import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './program.ts';
import { objects } from './stage.ts';

const POLICY = `version: 1
rules:
  - name: pim on r1
    identities: [pim1]
    routers: [r1]
    operations: [worker]
    protocols: [{ protocolId: 103, componentId: 1 }]
    interfaces: [{ from: 1, to: 100 }]
`;

let dir: string;
let file: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-policy-'));
  file = join(dir, 'policy.yaml');
  await writeFile(file, POLICY);
});
afterAll(() => rm(dir, { recursive: true }));

const policy = (...args: string[]) =>
  run(['--router', 'r1', 'policy', ...args], { env: { HOME: dir } });

describe('mgmctl policy check', () => {
  it('accepts a valid file', async () => {
    expect(await policy('check', file)).toEqual({
      code: 0,
      stdout: `${file} is valid\n`,
      stderr: '',
    });
  });

  it('lists every problem, with 1', async () => {
    const broken = join(dir, 'broken.yaml');
    await writeFile(broken, 'version: 3\nrules: [{ name: a, identities: [x], routers: [] }]\n');
    const { code, stdout } = await policy('check', broken);
    expect(code).toBe(1);
    expect(stdout).toContain(`${broken}: line 1: version: must be 1\n`);
    expect(stdout).toContain('rules[0].operations: ');
    const json = await policy('check', broken, '--json');
    expect(json.code).toBe(1);
    expect(objects(json.stdout)).toEqual([
      {
        file: broken,
        valid: false,
        problems: expect.arrayContaining(['line 1: version: must be 1']) as string[],
      },
    ]);
    const tested = await policy('test', broken, '--as', 'pim1', 'take', '7');
    expect(tested).toMatchObject({ code: 2, stdout: '' });
    expect(tested.stderr).toContain('mgmctl policy check lists its problems');
  });

  it('reports a file that cannot be read as wrong usage', async () => {
    const { code, stderr } = await policy('check', '/missing.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^mgmctl: \/missing\.yaml cannot be read \(ENOENT\); /);
  });
});

describe('mgmctl policy test', () => {
  it.each([
    [['take', '7'], 0, 'permitted: take 7 by pim1 on router r1\n'],
    [['take', '101'], 1, 'refused: no rule of pim1 permits interface 101\n'],
    [['release', '101'], 0, 'permitted: release 101 by pim1 on router r1\n'],
    [['register', '--protocol', 'PIM'], 0, 'permitted: register by pim1 on router r1\n'],
    [['register', '--protocol', 'PIM', '--component', '2'], 1, /^refused: .*component 2/],
    [['admin.evict'], 1, /^refused: .*\(rule "pim on r1"\) permits admin\.evict\n$/],
    [['take', '7', '--router', 'r2'], 1, /^refused: .* is for router r2\n$/],
  ])('decides as managers do: %s', async (args, code, stdout) => {
    const ended = await policy('test', file, '--as', 'pim1', ...args);
    expect(ended).toMatchObject({ code, stderr: '', stdout: expect.stringMatching(stdout) });
  });

  it('prints the decision as an object', async () => {
    const { code, stdout } = await policy('test', file, '--as', 'noc', '--json', 'take', '7');
    expect(code).toBe(1);
    expect(objects(stdout)).toEqual([
      {
        identity: 'noc',
        router: 'r1',
        operation: 'take',
        ifIndex: 7,
        nextHop: '',
        permitted: false,
        message: 'no rule names the identity noc',
      },
    ]);
  });

  it.each([
    [['take'], 'take: name the interface'],
    [['register'], 'register: name the client with --protocol'],
    [['grab'], 'Allowed choices are'],
  ])('refuses an incomplete request: %s', async (args, message) => {
    const { code, stderr } = await policy('test', file, '--as', 'pim1', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
