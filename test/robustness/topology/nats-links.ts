import { startTcpProxy } from '@mgm/devstack';
import type { Link, Servers } from './system.ts';

/** Opens a proxy to each NATS server, for one worker or manager. The caller disposes them. */
export async function linksToNats(
  { nats }: Servers,
  from: string,
  kind: 'worker-nats' | 'manager-nats',
): Promise<Link[]> {
  const links: Link[] = [];
  for (const { name, server } of nats) {
    const proxy = await startTcpProxy({ host: server.host, port: server.port });
    links.push({ name: `${from} to ${name}`, kind, proxy });
  }
  return links;
}
