import { once } from 'node:events';
import zookeeper from 'node-zookeeper-client';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE, type Takes } from './own-takes.ts';
import { startPeer } from './peer-server.ts';
import type { Rig } from './rig.ts';

const WITHIN_MS = 10_000;
const OWNER = Buffer.from('owner');

/** An ephemeral node per take. ZooKeeper has it on disk before it answers. */
export async function zookeeperNodes(rig: Rig): Promise<Takes | string> {
  const program = rig.peers.zookeeper;
  if (program.kind === 'absent') return program.why;
  const server = rig.owned.use(
    await startPeer({
      name: 'zookeeper',
      command: program.command,
      argsAt: (port, _, dir) => [...program.args, String(port), dir],
    }),
  );
  const client = zookeeper.createClient(`127.0.0.1:${server.port}`);
  rig.owned.defer(async () => {
    const gone = next('disconnected', client);
    client.close();
    await gone;
  });
  const there = next('connected', client);
  client.connect();
  await there;
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

type Client = ReturnType<typeof zookeeper.createClient>;

/** Resolves with the next event of this name. */
async function next(event: 'connected' | 'disconnected', client: Client): Promise<void> {
  await once(client, event, { signal: AbortSignal.timeout(WITHIN_MS) });
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
