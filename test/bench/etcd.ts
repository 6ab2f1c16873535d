import { Etcd3 } from 'etcd3';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE, type Takes } from './own-takes.ts';
import { startPeer } from './peer-server.ts';
import type { Rig } from './rig.ts';

const TTL_S = 300;

/** A transaction per take: put the key with a lease if it does not exist. etcd has it on disk before its reply. */
export async function etcdTransactions(rig: Rig): Promise<Takes | string> {
  const { etcd } = rig.peers;
  if (etcd.kind === 'absent') return etcd.why;
  const server = rig.owned.use(
    await startPeer({
      name: 'etcd',
      command: etcd.command,
      argsAt: (port, peerPort, dir) => [
        ...['--data-dir', dir, '--log-level', 'error'],
        ...['--listen-client-urls', urlOf(port), '--advertise-client-urls', urlOf(port)],
        ...['--listen-peer-urls', urlOf(peerPort)],
        ...['--initial-advertise-peer-urls', urlOf(peerPort)],
        ...['--initial-cluster', `default=${urlOf(peerPort)}`],
      ],
    }),
  );
  const client = new Etcd3({ hosts: urlOf(server.port) });
  rig.owned.defer(() => client.close());
  const lease = client.lease(TTL_S);
  // Its timer keeps this process alive.
  rig.owned.defer(() => lease.revoke());
  const leaseId = await lease.grant();
  let round = 0;
  return async (count) => {
    const prefix = `take/${round++}/`;
    const take = async (at: number): Promise<void> => {
      const key = `${prefix}${at}`;
      const put = client.put(key).value('owner').lease(leaseId);
      const { succeeded } = await client.if(key, 'Create', '==', 0).then(put).commit();
      if (!succeeded) throw new Error(`${key} is taken`);
    };
    const rate = await perSecond(count, () => inFlight(count, AT_ONCE, take));
    await client.delete().prefix(prefix);
    return rate;
  };
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
