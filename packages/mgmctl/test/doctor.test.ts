import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { startTcpProxy } from '@mgm/devstack';
import { eventually, notBreakable, skipAmongOthers, startManager } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { run } from './program.ts';
import { mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();
/** On a busy machine several runs may be needed until all replicas answer in time. */
const WITHIN = { withinMs: 30_000 };
const SLOW_MS = 60_000;

describe('mgmctl doctor', () => {
  it('checks every step and finds nothing broken, one line each', async (ctx) => {
    skipAmongOthers(ctx);
    await using router = await stage.router();
    await router.register(PIM, 'pim-1');
    const { code, stdout, stderr } = await router.run(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^ok {4}nats server {2}\S+:\d+ runs NATS \d+\.\d+\.\d+ \(.+\)$/),
      'ok    login        accepted',
      `ok    managers     answer for router ${router.name}`,
      expect.stringMatching(
        /^note {2}replicas {5}1 of version \d+\.\d+\.\d+: mgm-1; start another/,
      ),
      expect.stringMatching(/^ok {4}schema {7}every replica reads up to \d+$/),
      expect.stringMatching(/^ok {4}store {8}(redis|valkey) \d+\.\d+\.\d+, reached$/),
      'ok    scripts      every replica runs the arbiter',
      'note  durability   memory: a restart of the store loses all ownership; MGM_DURABILITY=durable or replicated keeps it',
      'note  identities   none: every NATS user that may publish requests may do everything; MGM_IDENTITY=subject tells callers apart',
      expect.stringMatching(/^ok {4}clock {8}store and this machine agree within \d+ ms$/),
      expect.stringMatching(
        /^(ok {2}|note) {2}round trip {3}median \d+\.\d ms, max \d+\.\d ms of \d+/,
      ),
      expect.stringMatching(/^ok {4}log {10}revisions 1 to 1 of log \S+$/),
      'ok    router data  schema 2: this router has no memberships and no routes',
      'ok    permission   watch is allowed',
      'ok    permission   evict is allowed',
    ]);
  });

  it('colours its marks on a terminal', async (ctx) => {
    skipAmongOthers(ctx);
    await using router = await stage.router();
    await using doctor = router.onTerminal(['doctor'], { columns: 140 });
    expect(await doctor.ended()).toMatchObject({ code: 0 });
    expect(doctor.stdout).toMatch(/^ok {4}store {8}(redis|valkey) \d+\.\d+\.\d+, reached$/m);
    expect(doctor.stdout).toMatch(/^note {2}durability {3}memory: .+; MGM_DURABILITY=durable/m);
    expect(doctor.rawStdout).toContain('\u001b[32mok  \u001b[39m  store');
    expect(doctor.rawStdout).toContain('\u001b[33mnote\u001b[39m  durability');
  });

  it('changes nothing on an unused router, and says that it has no log', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['doctor', '--json']);
    expect(code).toBe(0);
    const note = { what: 'log', state: 'note', mend: 'check --router' };
    expect(objects(stdout)).toContainEqual(expect.objectContaining(note));
    expect(await router.mgm.events(0)).toMatchObject({ head: 0, events: [] });
  });

  it(
    'fails if the managers under the prefix use different stores',
    { timeout: SLOW_MS },
    async (ctx) => {
      skipAmongOthers(ctx);
      await using router = await stage.router();
      const env = { MGM_NAME: 'mgm-2', MGM_KEY_PREFIX: 'elsewhere' };
      await using _ = await startManager(stage.servers, env);
      await eventually(async () => {
        const { code, stdout } = await router.run(['doctor']);
        expect(stdout).toMatch(
          /^FAIL {2}one store {4}the replicas use different stores: .+mgm-\d.+; give all managers/m,
        );
        expect(code).toBe(1);
      }, WITHIN);
    },
  );

  it(
    'counts replicas and names those that do not reach their store',
    { timeout: SLOW_MS },
    async (ctx) => {
      skipAmongOthers(ctx);
      const { nats, redis } = stage.servers;
      const { hostname, port } = new URL(redis.url);
      await using proxy = await startTcpProxy({ host: hostname, port: Number(port) });
      await using router = await stage.router();
      const env = { MGM_NAME: 'mgm-2', MGM_DURABILITY: 'memory' };
      const behind = { nats, redis: { url: `redis://${proxy.host}:${proxy.port}` } };
      await using _ = await startManager(behind, env);
      await eventually(async () => {
        const { code, stdout } = await router.run(['doctor']);
        expect(stdout).toMatch(/^ok {4}replicas {5}2 of version \S+: mgm-1, mgm-2$/m);
        expect(code).toBe(0);
      }, WITHIN);
      await proxy.refuse();
      await eventually(async () => {
        const { code, stdout } = await router.run(['doctor']);
        expect(stdout).toMatch(/^FAIL {2}store {8}mgm-2: redis: .+; fix that for 1 replica of 2$/m);
        expect(stdout).not.toContain('scripts');
        expect(code).toBe(1);
      }, WITHIN);
    },
  );

  it('says that no manager answers, and how to fix it', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['doctor', '--prefix', 'unused', '--timeout', '1s']);
    expect(code).toBe(3);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^FAIL {2}managers {5}.+; start a manager on these NATS servers/,
    );
  });

  it('says that no NATS server is reachable', async () => {
    const args = ['doctor', '--nats', 'nats://127.0.0.1:9', '--router', 'r1', '--timeout', '500ms'];
    const { code, stdout } = await run(args);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^FAIL {2}nats server {2}127\.0\.0\.1:9: .*ECONNREFUSED.*; start it,/);
    expect(stdout).toMatch(/^FAIL {2}login {8}NATS is not reachable/m);
  });

  it('says that something other than NATS answers', async () => {
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
    expect(stdout).toMatch(/^FAIL {2}nats server {2}\S+: something answers, but it is not NATS;/);
  });
});

describe('the schema of the router in mgmctl doctor', () => {
  it(
    'is 2 before the first membership, 3 with one and 2 after it was deleted',
    { timeout: SLOW_MS },
    async () => {
      await using router = await stage.router();
      const pim = await router.register(PIM, 'pim-1');
      await pim.takeInterfaceOwnership({ ifIndex: 7 });
      const membership = { ifIndex: 7, group: '239.1.1.1' };
      await expectSchema(router, 2, 'no memberships and no routes');
      await pim.addGroupMembershipEntry(membership);
      await expectSchema(router, 3, 'memberships; managers of before memberships refuse it');
      await pim.deleteGroupMembershipEntry(membership);
      await expectSchema(router, 2, 'no memberships and no routes');
    },
  );

  it('is 4 with a route', { timeout: SLOW_MS }, async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 7 }]);
    await expectSchema(router, 4, 'routes; managers of before forwarding refuse it');
  });

  it('is not known without sessions, because then no head is sent', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note {2}router data {2}schema not known: no head within .+; a router without sessions sends none: keep one open with mgmctl register$/m,
    );
  });
});

/** A head that was sent before the last change may still arrive. */
async function expectSchema(router: Router, schema: number, has: string): Promise<void> {
  await eventually(async () => {
    const { code, stdout } = await router.run(['doctor', '--json']);
    expect(code).toBe(0);
    expect(objects(stdout)).toContainEqual({
      what: 'router data',
      state: 'ok',
      detail: `schema ${schema}: this router has ${has}`,
      schema,
    });
  }, WITHIN);
}

describe('a router with data of a newer schema than its managers read', () => {
  it(
    'is named by mgmctl doctor, with the managers to replace',
    { timeout: SLOW_MS },
    async (ctx) => {
      const reason = notBreakable();
      ctx.skip(reason !== undefined, reason ?? '');
      await using router = await stage.router();
      await router.register(PIM, 'pim-1');
      await changeStore(`HSET mgm:{${router.name}}:meta schema 99`);
      const { code, stdout } = await router.run(['doctor', '--timeout', '1s']);
      expect(code).toBe(3);
      expect(stdout).toMatch(/^FAIL {2}managers {5}.*schema 99/m);
      expect(stdout).toMatch(
        /^FAIL {2}schema {7}routers have data of a newer schema than these managers read: mgm-1; replace 1 manager of 1 by the newer version$/m,
      );
      await changeStore(`DEL mgm:{${router.name}}:meta`);
    },
  );
});

/** Runs a command of Redis. */
async function changeStore(command: string): Promise<void> {
  const { hostname, port } = new URL(stage.servers.redis.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(`${command}\r\n`);
  const [reply] = await once(socket, 'data');
  expect(String(reply)).toMatch(/^:/);
  socket.destroy();
}
