import { setTimeout as delay } from 'node:timers/promises';
import { startTcpProxy } from '@mgm/devstack';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats, restReading } from '../src/mod.ts';

let servers: TestServers;
beforeAll(async () => (servers = await startServers()));
afterAll(() => servers[Symbol.asyncDispose]());

const OPTIONS = { reconnectTimeWait: 50, reconnectJitter: 0, maxReconnectAttempts: -1 };
/** Longer than sending takes on a busy machine. */
const REST_MS = 2_000;
const SOON = { withinMs: 10_000 };

/** The sizes of the messages that come on a subject, and how many came in each turn of the event loop. */
async function listen(nats: NatsConnection, subject: string) {
  const heard = { sizes: [] as number[], turns: [] as number[] };
  let inTurn = 0;
  nats.subscribe(subject, {
    callback: (_, { data }) => {
      heard.sizes.push(data.length);
      if (inTurn++ > 0) return;
      setImmediate(() => {
        heard.turns.push(inTurn);
        inTurn = 0;
      });
    },
  });
  await nats.flush();
  return heard;
}

describe('NATS over a lean socket', () => {
  it('receives small and large messages whole and in order, and answers requests', async () => {
    const nats = await connectNats({ servers: servers.nats.url });
    const heard = await listen(nats, 'sizes');
    const sizes = [0, 1, 100, 65_536, 1_000_000, 3, 500_000, 0, 7];
    for (const size of sizes) nats.publish('sizes', new Uint8Array(size));
    await eventually(() => expect(heard.sizes).toEqual(sizes), SOON);
    nats.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
    expect((await nats.request('echo', 'hello')).string()).toBe('hello');
    await nats.close();
    expect(nats.isClosed()).toBe(true);
  });

  it('comes back with its subscriptions after its connection was lost, also where another was made since', async () => {
    const { hostname, port } = new URL(servers.nats.url);
    await using proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const nats = await connectNats({ servers: `${proxy.host}:${proxy.port}`, ...OPTIONS });
    const heard = await listen(nats, 'again');
    const comesBackAfterReset = async (size: number): Promise<void> => {
      proxy.reset();
      await eventually(async () => {
        nats.publish('again', new Uint8Array(size));
        await nats.flush();
        expect(heard.sizes).toContain(size);
      }, SOON);
    };
    await comesBackAfterReset(1);
    const other = await connect({ servers: servers.nats.url });
    await comesBackAfterReset(2);
    await Promise.all([nats.close(), other.close()]);
  });

  it('says what the client itself says where nobody listens', async () => {
    const nowhere = { servers: '127.0.0.1:9', reconnect: false };
    const theirs = await connect(nowhere).catch((error: unknown) => error);
    const ours = await connectNats(nowhere).catch((error: unknown) => error);
    expect(ours).toMatchObject({ code: 'CONNECTION_REFUSED' });
    expect(ours).toEqual(theirs);
  });
});

describe('a rest', () => {
  let sender: NatsConnection;
  beforeAll(async () => (sender = await connect({ servers: servers.nats.url })));
  afterAll(() => sender.close());

  it('leaves messages unread, and then reads them at once', async () => {
    const nats = await connectNats({ servers: servers.nats.url });
    const heard = await listen(nats, 'rested');
    restReading(nats, REST_MS);
    for (let at = 0; at < 4; at++) {
      sender.publish('rested');
      await sender.flush();
    }
    expect(heard.sizes).toEqual([]);
    await eventually(() => expect(heard.turns).toEqual([4]), SOON);
    await nats.close();
  });

  it('is none for a connection that was made otherwise', async () => {
    const nats = await connect({ servers: servers.nats.url });
    const heard = await listen(nats, 'restless');
    const startedMono = performance.now();
    restReading(nats, REST_MS);
    sender.publish('restless');
    await eventually(() => expect(heard.sizes).toEqual([0]), SOON);
    expect(performance.now() - startedMono).toBeLessThan(REST_MS);
    await nats.close();
  });

  it('does not outlive its connection', async () => {
    const nats = await connectNats({ servers: servers.nats.url });
    restReading(nats, 20);
    await nats.close();
    await delay(40);
    expect(nats.isClosed()).toBe(true);
  });
});
