import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { startTcpProxy } from '@mgm/devstack';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type NatsConnection } from '../src/mod.ts';

let servers: TestServers;
beforeAll(async () => (servers = await startServers()));
afterAll(() => servers[Symbol.asyncDispose]());

const SOON = { withinMs: 30_000 };
const HOST = '127.0.0.1';

/** A port that accepts connections and sends nothing but what `greet` writes. */
async function startSilentPort(greet: (socket: Socket) => void = () => {}) {
  const accepted = new Set<Socket>();
  const server = createServer((socket) => {
    accepted.add(socket);
    // Only flowing sockets notice that the other side ended.
    socket.on('error', () => {});
    socket.on('close', () => accepted.delete(socket)).resume();
    greet(socket);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  let connections = 0;
  server.on('connection', () => connections++);
  return {
    url: `${HOST}:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get open() {
      return accepted.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of accepted) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port whose backlog is full: the kernel answers no further connection attempt. */
async function startFullPort() {
  const child = fork(new URL('blocked-listener.ts', import.meta.url));
  const [port] = await once(child, 'message');
  const fillers = Array.from({ length: 4 }, () => connectTcp(Number(port), HOST));
  for (const filler of fillers) filler.on('error', () => {});
  return {
    url: `${HOST}:${port}`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** TCP sockets that keep this process alive. */
function openSockets(): number {
  const open = process.getActiveResourcesInfo();
  return open.filter((name) => name === 'TCPSocketWrap' || name === 'TCPConnectWrap').length;
}

const failure = (dialing: Promise<NatsConnection>): Promise<unknown> =>
  dialing.then(
    () => 'connected',
    (error: unknown) => error,
  );

describe('a dial', () => {
  it('connects, and its connection carries messages and comes back after it was lost', async () => {
    const { hostname, port } = new URL(servers.nats.url);
    await using proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const options = { reconnectTimeWait: 50, reconnectJitter: 0, maxReconnectAttempts: -1 };
    const nats = await connect({ servers: `${proxy.host}:${proxy.port}`, ...options });
    const sizes: number[] = [];
    nats.subscribe('sizes', { callback: (_, { data }) => void sizes.push(data.length) });
    await nats.flush();
    proxy.reset();
    await eventually(async () => {
      nats.publish('sizes', new Uint8Array(3));
      await nats.flush();
      expect(sizes).toContain(3);
    }, SOON);
    await nats.close();
    expect(nats.isClosed()).toBe(true);
  });

  it('skips a server that stays silent and destroys its socket', async () => {
    await using silent = await startSilentPort();
    const { host } = new URL(servers.nats.url);
    const nats = await connect({ servers: [silent.url, host], noRandomize: true, timeout: 1_000 });
    await eventually(() => expect(silent.open).toBe(0), SOON);
    expect(silent.connections).toBe(1);
    await nats.flush();
    await nats.close();
  });

  it('leaves no socket when it times out on a port that accepts and stays silent', async () => {
    await using silent = await startSilentPort();
    expect(await failure(connect({ servers: silent.url, timeout: 200 }))).toMatchObject({
      code: 'TIMEOUT',
    });
    await eventually(() => expect(silent.open).toBe(0), SOON);
    expect(silent.connections).toBe(1);
  });

  it('leaves no socket when it is aborted on a port that accepts and stays silent', async () => {
    await using silent = await startSilentPort();
    const giveUp = new AbortController();
    const dialing = failure(connect({ servers: [silent.url, silent.url] }, giveUp.signal));
    await eventually(() => expect(silent.open).toBe(1), SOON);
    giveUp.abort(new Error('given up'));
    expect(await dialing).toEqual(new Error('given up'));
    await eventually(() => expect(silent.open).toBe(0), SOON);
  });

  it('leaves no socket when it times out on a port that does not accept', async () => {
    await using full = await startFullPort();
    const before = openSockets();
    expect(await failure(connect({ servers: full.url, timeout: 200 }))).toMatchObject({
      code: 'TIMEOUT',
    });
    await eventually(() => expect(openSockets()).toBeLessThanOrEqual(before), SOON);
  });

  it('leaves no socket when it is aborted on a port that does not accept', async () => {
    await using full = await startFullPort();
    const before = openSockets();
    const signal = AbortSignal.timeout(200);
    expect(await failure(connect({ servers: full.url }, signal))).toMatchObject({
      name: 'TimeoutError',
    });
    await eventually(() => expect(openSockets()).toBeLessThanOrEqual(before), SOON);
  });

  it('leaves no socket when it is aborted on a server that hangs after its greeting', async () => {
    const open = new Set<Socket>();
    await using server = await startSilentPort((socket) => {
      open.add(socket);
      socket.write(`INFO ${JSON.stringify({ max_payload: 1024, version: '2.10.0' })}\r\n`);
    });
    const giveUp = new AbortController();
    const dialing = failure(connect({ servers: server.url }, giveUp.signal));
    await eventually(
      () => expect([...open].some(({ bytesRead }) => bytesRead > 0)).toBe(true),
      SOON,
    );
    giveUp.abort(new Error('given up'));
    expect(await dialing).toEqual(new Error('given up'));
    await eventually(() => expect(server.open).toBe(0), SOON);
  });

  it('opens no socket when its signal is already aborted', async () => {
    await using silent = await startSilentPort();
    const signal = AbortSignal.abort(new Error('too late'));
    expect(await failure(connect({ servers: silent.url }, signal))).toEqual(new Error('too late'));
    expect(silent.connections).toBe(0);
  });

  it('does not touch the sockets of another dial', async () => {
    await using silent = await startSilentPort();
    const giveUp = new AbortController();
    const aborted = failure(connect({ servers: silent.url }, giveUp.signal));
    const nats = await connect({ servers: servers.nats.url });
    giveUp.abort();
    await aborted;
    await expect(nats.flush()).resolves.toBeUndefined();
    await nats.close();
  });
});

/** A way to the NATS server that, once silent, accepts connections and passes nothing on. */
async function startSilencedProxy(port: number) {
  const open = new Set<Socket>();
  let isSilent = false;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    open.add(socket.on('error', () => {}));
    socket.on('close', () => open.delete(socket));
    if (isSilent) return void socket.resume();
    const upstream = connectTcp(port, HOST);
    upstream
      .on('error', () => {})
      .pipe(socket)
      .pipe(upstream);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    url: `${HOST}:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get open() {
      return open.size;
    },
    silence: () => {
      isSilent = true;
      for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a connection that was lost, to a server that accepts and stays silent', () => {
  const options = { timeout: 500, reconnectTimeWait: 10, reconnectJitter: 0 };

  it('has at most one dial open, and none after it is closed', async () => {
    await using proxy = await startSilencedProxy(servers.nats.port);
    const nats = await connect({ servers: proxy.url, ...options, maxReconnectAttempts: -1 });
    proxy.silence();
    let most = 0;
    await eventually(
      () => {
        most = Math.max(most, proxy.open);
        expect(proxy.connections).toBeGreaterThan(6);
      },
      { ...SOON, everyMs: 5 },
    );
    // The server learns of the end of one after the beginning of the next.
    expect(most).toBeLessThanOrEqual(2);
    await nats.close();
    await eventually(() => expect(proxy.open).toBe(0), SOON);
  });

  it('does not touch sockets that a handler of its messages opens to other ports', async () => {
    await using proxy = await startSilencedProxy(servers.nats.port);
    await using other = await startSilentPort();
    const nats = await connect({ servers: proxy.url, ...options, maxReconnectAttempts: -1 });
    const opened = Promise.withResolvers<Socket>();
    const open = (): void => {
      const socket = connectTcp(Number(other.url.split(':')[1]), HOST);
      socket.once('connect', () => opened.resolve(socket));
    };
    nats.subscribe('open', { callback: open });
    nats.publish('open');
    const socket = await opened.promise;
    proxy.silence();
    await eventually(() => expect(proxy.connections).toBeGreaterThan(3), SOON);
    await nats.close();
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});
