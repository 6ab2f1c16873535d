import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { nodeCommand } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { MAIN, run } from './program.ts';
import { mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();
const ESCAPE = '\u001b[';

describe('colours', () => {
  it('are used on a terminal, but not with NO_COLOR, --no-color, TERM=dumb or in a pipe', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const shown = async (args: string[], env: Record<string, string> = {}): Promise<string> => {
      await using program = router.onTerminal(args, { env });
      expect(await program.ended()).toMatchObject({ code: 0 });
      expect(program.stdout).toContain('PIM/1 pim-1');
      return program.rawStdout;
    };
    expect(await shown(['interfaces'])).toContain(ESCAPE);
    expect(await shown(['interfaces'], { NO_COLOR: '1' })).not.toContain(ESCAPE);
    expect(await shown(['interfaces', '--no-color'])).not.toContain(ESCAPE);
    expect(await shown(['interfaces'], { TERM: 'dumb' })).not.toContain(ESCAPE);
    expect((await router.run(['interfaces'])).stdout).not.toContain(ESCAPE);
  });
});

describe('a reader that closes the pipe', () => {
  it('ends the program silently', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const refs = Array.from({ length: 1_000 }, (_, at) => ({ ifIndex: at + 1 }));
    await pim.takeInterfaces(refs);
    const words = nodeCommand(MAIN, ['--nats', stage.servers.nats.url, '--router', router.name]);
    const line = `${words.join(' ')} watch --from 0 --json | head -n 2; exit "\${PIPESTATUS[0]}"`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(objects(stdout).map(({ rev }) => rev)).toEqual([1, 2]);
  });
});

describe('an output that cannot be written', () => {
  const shell = async (router: Router, line: string) => {
    const words = nodeCommand(MAIN, ['--nats', stage.servers.nats.url, '--router', router.name]);
    const script = line.replace('mgmctl', words.join(' '));
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return { code: code as number, stderr };
  };
  const NO_SPACE = /^mgmctl: the output cannot be written: .*ENOSPC.*; .+\n$/;
  const NO_SPACE_JSON = /^\{"error":"output",.*ENOSPC.*"exitCode":5\}\n$/;
  beforeEach((ctx) => ctx.skip(!existsSync('/dev/full'), 'needs the device /dev/full of Linux'));

  it.each([
    ...['interfaces', '--json interfaces', 'sessions', 'owner 7', 'history 7', 'doctor'],
    ...['--help', 'completion bash', 'watch --from 0 --count 3'],
  ])('ends the program with one line and exit code 5: %s', async (args) => {
    await using router = await populated();
    const { code, stderr } = await shell(router, `mgmctl ${args} > /dev/full`);
    expect(code).toBe(5);
    expect(stderr).toMatch(args.startsWith('--json') ? NO_SPACE_JSON : NO_SPACE);
  });

  it.each([
    ['take 8', '> /dev/full', 5],
    ['--json take 8', '> /dev/full', 5],
    ['register', '> /dev/full', 5],
    ['take 8', '| true; exit ${PIPESTATUS[0]}', 0],
  ])('leaves no session of %s %s behind', async (args, output, code) => {
    await using router = await populated();
    const ended = await shell(router, `mgmctl ${args} --ttl 60s ${output}`);
    expect(ended.code).toBe(code);
    const left = await Array.fromAsync(router.mgm.sessions(), ({ name }) => name);
    expect(left).toEqual(['pim-1']);
  });

  it('ends a bench, which leaves no session behind', async () => {
    await using router = await stage.router();
    const bench = 'mgmctl --router bench-full bench --duration 300ms';
    expect(await shell(router, `${bench} > /dev/full`)).toMatchObject({ code: 5 });
    const { stdout } = await router.run(['--router', 'bench-full', 'sessions', '--json']);
    expect(stdout).toBe('');
  });

  async function populated(): Promise<Router> {
    const router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    return router;
  }
});

describe('a failure', () => {
  it('says in one line that nothing answers, and the next step', async () => {
    const { code, stdout, stderr } = await run([
      ...['--nats', 'nats://user:secret@127.0.0.1:9', '--router', 'r1', '--timeout', '300ms'],
      'interfaces',
    ]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(
      /^mgmctl: NATS is not reachable: .+; check --nats nats:\/\/\*\*\*@127\.0\.0\.1:9 .+\n$/,
    );
  });

  it('says in one line that no manager answers', async () => {
    await using router = await stage.router();
    const args = ['--prefix', 'unused.prefix', '--timeout', '500ms', 'sessions', '--json'];
    const { code, stderr } = await router.run(args);
    expect(code).toBe(3);
    const failure = { error: 'unavailable', exitCode: 3, outcome: 'not-done' };
    expect(objects(stderr)).toEqual([expect.objectContaining(failure)]);
  });

  it('ends with 2 for a wrong command line', async () => {
    expect(await run(['owner', '0'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^mgmctl: .* must be an integer from 1 to 4294967295; [^\n]+\n$/,
      ),
    });
  });
});
