import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../process/free-port.ts';
import { startProcessServer } from '../process/process-server.ts';
import { needsProcesses, type TlsFiles } from './redis-node.ts';
import { NATS } from '../server-kinds.ts';
import type { RunningServer, ServersChoice } from '../servers.ts';
import { settled, startTogether, type Trio } from './start-together.ts';

/** How each NATS server of a cluster is started. */
export interface NatsClusterOptions {
  /** Clients must use TLS. Default: no TLS. */
  readonly tls?: TlsFiles;
  /** More arguments of each `nats-server`. */
  readonly args?: readonly string[];
}

/** Three NATS servers, each connected to the others: a client of one reaches the clients of all. */
export interface NatsCluster extends AsyncDisposable {
  /** The addresses of all three, separated by commas. */
  readonly url: string;
  readonly nodes: Trio;
}

/**
 * Starts a cluster of three NATS servers. Resolves when each knows the others.
 *
 * @throws {@link DevstackError} `start-failed`; `bad-setting` if servers are not processes
 */
export async function startNatsCluster(
  choice: ServersChoice,
  options: NatsClusterOptions = {},
): Promise<NatsCluster> {
  const plan = choice.nats;
  if (plan.kind !== 'process') throw needsProcesses('nats');
  return startTogether('nats-cluster', async (root, own) => {
    const route = async (): Promise<string> => `nats://127.0.0.1:${await freePort()}`;
    const routes = [await route(), await route(), await route()] as const;
    const start = (at: 0 | 1 | 2): Promise<RunningServer> => {
      const args = [
        ...clusterArgs(routes[at], routes),
        ...tlsArgs(options.tls),
        ...(options.args ?? []),
      ];
      const request = { kind: NATS, args, dataDir: join(root, `node-${at + 1}`) };
      return own(startProcessServer(plan.command, request));
    };
    const nodes: Trio = [await start(0), await start(1), await start(2)];
    for (const node of nodes) await settled(node.url, async () => (await peersOf(node)) === 3);
    // NATS clients check only names of a certificate, not addresses.
    const urlOf = ({ host, port }: RunningServer) =>
      options.tls ? `tls://localhost:${port}` : `nats://${host}:${port}`;
    const hosts = nodes.map(urlOf);
    return { nodes, url: hosts.join(',') };
  });
}

function clusterArgs(route: string, routes: readonly string[]): string[] {
  return ['--cluster', route, '--cluster_name', 'mgm', '--routes', routes.join(',')];
}

function tlsArgs(tls: TlsFiles | undefined): string[] {
  return tls ? ['--tls', '--tlscert', tls.cert, '--tlskey', tls.key] : [];
}

/** The number of servers in the INFO line, which a server sends at the start of each connection, before TLS. */
async function peersOf({ host, port }: RunningServer): Promise<number> {
  const socket = connect({ host, port });
  try {
    const greeting: unknown[] = await once(socket, 'data', { signal: AbortSignal.timeout(2_000) });
    const urls = /"connect_urls":\[([^\]]*)\]/.exec(String(greeting[0]))?.[1];
    return urls?.split(',').length ?? 0;
  } finally {
    socket.destroy();
  }
}
