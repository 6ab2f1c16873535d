import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { run } from './program.ts';
import { objects, PIM, stageForAll } from './stage.ts';

const stage = stageForAll();

describe('mgmctl doctor', () => {
  it('finds everything well, one line each', async () => {
    await using router = await stage.router();
    await router.register(PIM, 'pim-1');
    const { code, stdout, stderr } = await router.run(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^ok {4}nats server {2}\S+:\d+ runs NATS \d+\.\d+\.\d+ \(.+\)$/),
      'ok    login        accepted',
      `ok    managers     answer for router ${router.name}`,
      expect.stringMatching(
        /^ok {4}round trip {3}\d+\.\d ms in the middle, \d+\.\d ms at most, of 20$/,
      ),
      expect.stringMatching(/^ok {4}log {10}revisions 1 to 1 of log \S+$/),
      expect.stringMatching(/^ok {4}clock {8}the last change is of .* UTC$/),
      'ok    permission   evict is allowed',
    ]);
  });

  it('changes nothing, not even where nobody has been, and says that', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['doctor', '--json']);
    expect(code).toBe(0);
    const note = { what: 'log', state: 'note', mend: 'is --router right?' };
    expect(objects(stdout)).toContainEqual(expect.objectContaining(note));
    expect(await router.mgm.events(0)).toMatchObject({ head: 0, events: [] });
  });

  it('says that no manager answers, and what mends it', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['doctor', '--prefix', 'nobody', '--timeout', '1s']);
    expect(code).toBe(3);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^FAIL {2}managers {5}.+; start a manager on these NATS servers/,
    );
  });

  it('says that there is no NATS server', async () => {
    const args = ['doctor', '--nats', 'nats://127.0.0.1:9', '--router', 'r1', '--timeout', '500ms'];
    const { code, stdout } = await run(args);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^FAIL {2}nats server {2}127\.0\.0\.1:9: .*ECONNREFUSED.*; start it,/);
    expect(stdout).toMatch(/^FAIL {2}login {8}NATS is not reachable/m);
  });

  it('says that something else listens there', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using _ = { [Symbol.asyncDispose]: async () => void server.close() };
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const nats = `nats://127.0.0.1:${port}`;
    const { stdout } = await run([
      'doctor',
      '--nats',
      nats,
      '--router',
      'r1',
      '--timeout',
      '500ms',
    ]);
    expect(stdout).toMatch(/^FAIL {2}nats server {2}\S+: what answers there is no NATS server;/);
  });
});
