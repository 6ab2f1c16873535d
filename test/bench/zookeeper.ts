import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import zookeeper from 'node-zookeeper-client';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE, type Takes } from './own-takes.ts';
import { startPeer } from './peer-server.ts';
import type { Rig } from './rig.ts';

const CONNECT_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 1_000;
const CLOSE_WITHIN_MS = 2_000;
const OWNER = Buffer.from('owner');

/** An ephemeral node per take. ZooKeeper has it on disk before its reply. */
export async function zookeeperNodes(rig: Rig): Promise<Takes | string> {
  const program = rig.peers.zookeeper;
  if (program.kind === 'absent') return program.why;
  const server = rig.owned.use(
    await startPeer({
      name: 'zookeeper',
      command: program.command,
      argsAt: (port, _, dir) => [...program.args, String(port), dir],
      serves,
    }),
  );
  const client = zookeeper.createClient(`127.0.0.1:${server.port}`);
  rig.owned.defer(() => close(client));
  const there = once(client, 'connected', { signal: AbortSignal.timeout(CONNECT_WITHIN_MS) });
  client.connect();
  await there.catch(() => {
    throw new Error(`zookeeper did not take its client within ${CONNECT_WITHIN_MS} ms`);
  });
  let round = 0;
  return async (count) => {
    const prefix = `/take-${round++}`;
    const rate = await perSecond(count, () =>
      inFlight(count, AT_ONCE, (at) => create(client, `${prefix}-${at}`)),
    );
    await inFlight(count, AT_ONCE, (at) => remove(client, `${prefix}-${at}`));
    return rate;
  };
}

/** It accepts connections before it serves, and its client waits half a minute for a reply on such a connection. */
async function serves(port: number): Promise<boolean> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  socket.end('srvr');
  return (await text(socket).catch(() => '')).includes('Mode: ');
}

type Client = ReturnType<typeof zookeeper.createClient>;

/** Resolves when the client has closed: a client whose server ends first reconnects without end. */
async function close(client: Client): Promise<void> {
  const gone = once(client, 'disconnected', { signal: AbortSignal.timeout(CLOSE_WITHIN_MS) });
  client.close();
  // A client that never connected emits no event, and does not reconnect either.
  await gone.catch(() => {});
}

function create(client: Client, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.create(path, OWNER, zookeeper.CreateMode.EPHEMERAL, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function remove(client: Client, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.remove(path, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
