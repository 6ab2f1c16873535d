import { connect, type NatsConnection } from '@mgm/nats';
import type { Servers } from './topology/system.ts';

/** A connection to NATS without a proxy, so without faults of links. */
export async function directConnection({ nats }: Servers): Promise<NatsConnection> {
  return await connect({
    servers: directUrls(nats),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
    pingInterval: 2_000,
  });
}

export function directUrls(nats: Servers['nats']): string[] {
  return nats.map(({ server }) => server.url);
}
