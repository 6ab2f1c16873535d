import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { type RunningServer, startNats, startTcpProxy } from '@mgm/devstack';
import { connect as connectNats, type ConnectionOptions } from '@mgm/nats';
import { eventually, startStopwatch } from '@mgm/test-support';
import { createUser } from 'nkeys.js';
import { afterAll, beforeAll, describe, expect, inject, it, type TestContext } from 'vitest';
import { connect, type ConnectOptions, type Mgm, type Session } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { scriptedManager } from './scripted-manager.ts';

const MS = { withinMs: 30_000 };

let nats: RunningServer;

beforeAll(async () => {
  nats = await startNats(inject('servers'));
});
afterAll(async () => await nats.stop());

let lastPrefix = 0;
const newPrefix = (): string => `connection${++lastPrefix}.v1`;

/** A TCP server that accepts connections and never sends anything. */
async function silentServer(): Promise<Server & AsyncDisposable & { sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, {
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function urlOf(server: Server): string {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return `nats://127.0.0.1:${address.port}`;
}

describe('connecting', () => {
  it('takes at most its deadline, also to a server that accepts and stays silent', async () => {
    await using server = await silentServer();
    using watch = startStopwatch();
    const error = await errorOf(connect({ servers: urlOf(server), router: 'r1', deadlineMs: 500 }));
    const tookMs = watch.elapsedMs();
    expect(error).toMatchObject({ code: 'MGM_UNAVAILABLE', outcome: 'not-done', retryable: true });
    expect(tookMs).toBeLessThan(1_200);
    await eventually(() => expect(server.sockets.size).toBe(0), MS);
  });

  it('leaves no socket when it is aborted', async () => {
    await using server = await silentServer();
    const signal = AbortSignal.timeout(200);
    const error = await errorOf(connect({ servers: urlOf(server), router: 'r1', signal }));
    expect(error).toMatchObject({ code: 'MGM_ABORTED', outcome: 'not-done' });
    await eventually(() => expect(server.sockets.size).toBe(0), MS);
  });

  it('reports credentials that can not be read as a wrong option', async () => {
    const authenticator = (): never => {
      throw Object.assign(new Error('unable to parse credentials'), { code: 'BAD_CREDS' });
    };
    const options = { servers: nats.url, router: 'r1', natsOptions: { authenticator } };
    expect(await errorOf(connect(options))).toMatchObject({
      code: 'MGM_BAD_REQUEST',
      field: 'natsOptions.authenticator',
      message: 'natsOptions.authenticator: the NATS credentials can not be read',
      retryable: false,
    });
  });

  it('logs in with the seed of an NKEY user', async (context) => {
    const choice = inject('servers');
    context.skip(choice.nats.kind !== 'process', 'gives nats-server a configuration file');
    const dir = await mkdtemp(join(tmpdir(), 'mgm-client-'));
    context.onTestFinished(() => rm(dir, { recursive: true }));
    const user = createUser();
    const [conf, nkeyFile] = [join(dir, 'nats.conf'), join(dir, 'worker.nk')];
    await writeFile(conf, `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
    await writeFile(nkeyFile, `${new TextDecoder().decode(user.getSeed())}\n`, { mode: 0o600 });
    await using server = await startNats(choice, { args: ['-c', conf] });
    const options = { servers: server.url, router: 'r1' };
    await using mgm = await connect({ ...options, nkeyFile });
    expect(mgm.router).toBe('r1');
    expect(await errorOf(connect(options))).toMatchObject({ reason: 'not-permitted' });
    await writeFile(nkeyFile, createUser().getSeed());
    expect(await errorOf(connect({ ...options, nkeyFile }))).toMatchObject({
      reason: 'not-permitted',
    });
  });

  it.each(['credsFile', 'nkeyFile', 'caFile'] as const)(
    'refuses a missing %s before any connection',
    async (field) => {
      await using server = await silentServer();
      let connections = 0;
      server.on('connection', () => connections++);
      const options = { servers: urlOf(server), router: 'r1', [field]: '/missing/file' };
      expect(await errorOf(connect(options))).toMatchObject({
        code: 'MGM_BAD_REQUEST',
        field,
        message: `${field}: /missing/file cannot be read (ENOENT)`,
        outcome: 'not-done',
      });
      expect(connections).toBe(0);
    },
  );

  it('refuses credentials files that exclude each other, and a certificate without its key', async () => {
    const options = { servers: nats.url, router: 'r1' };
    const both = { ...options, credsFile: '/a.creds', nkeyFile: '/a.nk' };
    expect(await errorOf(connect(both))).toMatchObject({ field: 'nkeyFile' });
    const alone = { ...options, certFile: '/cert.pem' };
    expect(await errorOf(connect(alone))).toMatchObject({ field: 'keyFile' });
  });

  it('refuses credentials files together with a connection', async (context) => {
    const connection = await connectNats({ servers: nats.url });
    context.onTestFinished(() => connection.close());
    const options = { connection, router: 'r1', credsFile: '/a.creds' };
    expect(await errorOf(connect(options))).toMatchObject({
      code: 'MGM_BAD_REQUEST',
      field: 'credsFile',
      message: 'credsFile: must not be combined with `connection`',
    });
  });

  const notStrings = [null, 7, true, ['r1'], {}, ''];
  const wrong = [
    ...[undefined, ...notStrings].map((router) => ['router', { router }] as const),
    ...[...notStrings, 'a..b'].map((prefix) => ['prefix', { prefix }] as const),
    ...[null, 7, true, ['x']].flatMap((value) =>
      (['name', 'user', 'pass', 'token', 'credsFile', 'nkeyFile', 'caFile'] as const).map(
        (field) => [field, { [field]: value }] as const,
      ),
    ),
    ...[null, 7, true, {}, '', [], [7], 'http://x'].map(
      (servers) => ['servers', { servers }] as const,
    ),
    ...[7, ['x']].map(
      (inboxPrefix) => ['natsOptions.inboxPrefix', { natsOptions: { inboxPrefix } }] as const,
    ),
  ];
  it.each(wrong)('refuses an invalid option by name: %s, %j', async (field, options) => {
    const all = { router: 'r1', servers: nats.url, ...options } as unknown as ConnectOptions;
    const error = await errorOf(connect(all));
    expect(error).toMatchObject({ code: 'MGM_BAD_REQUEST', field, outcome: 'not-done' });
    expect(error.message).toMatch(new RegExp(`^${field}\\b`));
  });

  it.each([undefined, null, 'r1', 7])('refuses options that are no object: %j', async (options) => {
    const error = await errorOf(connect(options as unknown as ConnectOptions));
    expect(error).toMatchObject({ code: 'MGM_BAD_REQUEST', outcome: 'not-done' });
  });
});

/** Every method of a client and of a session that sends something. */
function everyCall(mgm: Mgm, session: Session): Record<string, () => Promise<unknown>> {
  const admin = { actor: 'a', why: 'b' };
  const ref = { ifIndex: 1 };
  const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items) continue;
  };
  return {
    registerProtocol: () => mgm.registerProtocol({ protocolId: 199, componentId: 1 }),
    getProtocolOnInterface: () => mgm.getProtocolOnInterface(ref),
    validateEpoch: () => mgm.validateEpoch({ ...ref, epoch: '1' }),
    interfaces: () => drain(mgm.interfaces()),
    interfacePages: () => drain(mgm.interfacePages()),
    sessions: () => drain(mgm.sessions()),
    events: () => mgm.events(0),
    watch: () => drain(mgm.watch()),
    replicas: () => mgm.replicas(),
    routers: () => mgm.routers(),
    adminRelease: () => mgm.adminRelease({ ...ref, ...admin }),
    adminEvents: () => mgm.adminEvents(0),
    adminEndHoldoff: () => mgm.adminEndHoldoff(admin),
    adminEvict: () => mgm.adminEvict({ session: 1, ...admin }),
    take: () => session.takeInterfaceOwnership(ref),
    takeInterfaces: () => session.takeInterfaces([ref]),
    release: () => session.releaseInterfaceOwnership(ref),
    releaseInterfaces: () => session.releaseInterfaces([ref]),
    deregister: () => session.deregister(),
  };
}

async function expectClosed(mgm: Mgm, session: Session): Promise<void> {
  const codes: Record<string, string> = {};
  for (const [name, call] of Object.entries(everyCall(mgm, session))) {
    codes[name] = (await errorOf(call())).code;
  }
  const ofSession = 'MGM_SESSION_LOST';
  const lost = { take: ofSession, takeInterfaces: ofSession, deregister: ofSession };
  const released = { release: ofSession, releaseInterfaces: ofSession };
  const all = Object.keys(codes).map((name) => [name, 'MGM_CLOSED']);
  expect(codes).toEqual({ ...Object.fromEntries(all), ...lost, ...released });
  for await (const _ of mgm.heads()) throw new Error('a head');
  await mgm.close();
}

describe('a client that is closed', () => {
  it('rejects every call as closed', async () => {
    const prefix = newPrefix();
    await using _ = await scriptedManager(nats.url, prefix);
    const mgm = await connect({ servers: nats.url, router: 'r1', prefix });
    const session = await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
    await mgm.close();
    await expectClosed(mgm, session);
  });

  it.each(['drain', 'close'] as const)('by %s of its connection, too', async (end) => {
    const prefix = newPrefix();
    await using _ = await scriptedManager(nats.url, prefix);
    const connection = await connectNats({ servers: nats.url });
    const mgm = await connect({ connection, router: 'r1', prefix });
    const session = await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
    const closed = new Promise((resolve) => mgm.on('closed', resolve));
    await connection[end]();
    await closed;
    await expectClosed(mgm, session);
  });

  it.each(['drain', 'close'] as const)('can not be created after %s', async (end) => {
    const connection = await connectNats({ servers: nats.url });
    const ending = connection[end]();
    const error = await errorOf(connect({ connection, router: 'r1' }));
    expect(error).toMatchObject({ code: 'MGM_CLOSED', outcome: 'not-done' });
    await ending;
  });
});

describe('a connection of the caller', () => {
  async function behindProxy(options: ConnectionOptions = {}) {
    const proxy = await startTcpProxy({ port: nats.port });
    const connection = await connectNats({
      servers: `nats://${proxy.host}:${proxy.port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      ...options,
    });
    return { proxy, connection };
  }

  it('that is reconnecting starts as down, sends nothing, and reports up', async () => {
    const prefix = newPrefix();
    const { proxy, connection } = await behindProxy();
    await using _ = proxy;
    await using manager = await scriptedManager(nats.url, prefix);
    const lost = (async () => {
      for await (const { type } of connection.status()) if (type === 'disconnect') return;
    })();
    await proxy.refuse();
    await lost;
    const mgm = await connect({ connection, router: 'r1', prefix });
    expect(mgm.isConnected).toBe(false);
    const up = new Promise((resolve) => mgm.on('up', resolve));
    const release = mgm.adminRelease({ ifIndex: 7, actor: 'a', why: 'b' }, { deadlineMs: 200 });
    expect(await errorOf(release)).toMatchObject({ code: 'MGM_UNAVAILABLE', outcome: 'not-done' });
    await proxy.heal();
    await up;
    expect(mgm.isConnected).toBe(true);
    expect(manager.received).toEqual([]);
    await mgm.close();
    await connection.close();
  });

  it('that gives up for good ends its sessions: `lost` with a cause of its own', async () => {
    const prefix = newPrefix();
    const { proxy, connection } = await behindProxy({ maxReconnectAttempts: 1 });
    await using _ = proxy;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('take', () => ({ epoch: '5' }));
    const mgm = await connect({ connection, router: 'r1', prefix });
    const session = await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const causes: string[] = [];
    session.on('lost', ({ cause, recovering }) => void causes.push(`${cause} ${recovering}`));
    const ended = new Promise((resolve) => session.on('ended', resolve));
    await proxy.refuse();
    await ended;
    expect(causes).toEqual(['disconnected false']);
    expect([session.state, session.signal.aborted, ownership.isHeld]).toEqual([
      'over',
      true,
      false,
    ]);
    expect(ownership.signal.reason).toMatchObject({ code: 'MGM_SESSION_LOST' });
  });
});

describe('disposing while NATS is dead', () => {
  it.concurrent.each(['ownership', 'session', 'client'])(
    '%s: takes 2 seconds at most',
    async (what) => {
      const prefix = newPrefix();
      await using proxy = await startTcpProxy({ port: nats.port });
      await using manager = await scriptedManager(nats.url, prefix);
      manager.script('take', () => ({ epoch: '5' }));
      const servers = `nats://${proxy.host}:${proxy.port}`;
      const mgm = await connect({ servers, router: 'r1', prefix });
      const session = await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
      const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
      proxy.blackhole();
      using watch = startStopwatch();
      if (what === 'ownership') await ownership[Symbol.asyncDispose]();
      if (what === 'session') await session[Symbol.asyncDispose]();
      if (what === 'client') await mgm.close();
      expect(watch.elapsedMs()).toBeLessThan(2_500);
      expect(ownership.isHeld).toBe(false);
      await mgm.close();
    },
  );
});

describe('a user who may publish but not subscribe to its inbox', () => {
  /** A server with one user, who may subscribe to nothing. */
  async function deafUser(ctx: TestContext): Promise<RunningServer> {
    const { source } = inject('servers');
    ctx.skip(source !== 'process', 'needs a server that reads a configuration file');
    const folder = await mkdtemp(join(tmpdir(), 'mgm-client-'));
    ctx.onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'nats.conf');
    const deaf =
      '{ user: deaf, password: secret, permissions: { subscribe: { deny: "_INBOX.>" } } }';
    const manager = '{ user: manager, password: secret }';
    await writeFile(file, `authorization { users: [ ${deaf}, ${manager} ] }\n`);
    return await startNats(inject('servers'), { args: ['-c', file] });
  }

  it('sends no request', async (ctx) => {
    await using server = await deafUser(ctx);
    const prefix = newPrefix();
    const login = { user: 'manager', pass: 'secret' };
    await using manager = await scriptedManager(server.url, prefix, login);
    const deaf = { user: 'deaf', pass: 'secret' };
    await using mgm = await connect({ servers: server.url, router: 'r1', prefix, ...deaf });
    const error = await errorOf(mgm.registerProtocol({ protocolId: 1, componentId: 1 }));
    expect(error).toMatchObject({ code: 'MGM_NOT_PERMITTED', outcome: 'not-done' });
    expect(error.message).toContain('subscribe to _INBOX.');
    expect(manager.received).toEqual([]);
  });
});
