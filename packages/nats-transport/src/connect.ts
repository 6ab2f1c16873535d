import type { ConnectionOptions, NatsConnection } from 'nats';
import { NatsConnectionImpl, setTransportFactory } from 'nats/lib/nats-base-client/internal_mod.js';
import { nodeResolveHost } from 'nats/lib/src/node_transport.js';
import { protocolOf } from './inside.ts';
import { LeanTransport } from './lean-transport.ts';

/**
 * As `connect` of the `nats` package, with its options, errors and reconnecting, over {@link LeanTransport}. Which transport
 * new and lost connections get is a setting of the whole process: where its own `connect` was called last, connections made
 * again are as that makes them, and where this one was, those of others are like ours. Either way nothing else differs.
 */
export function connectNats(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({
    factory: () => new LeanTransport(),
    dnsResolveFn: nodeResolveHost,
  });
  return NatsConnectionImpl.connect(options);
}

/**
 * Leaves unread for `ms` what comes on this connection, so that messages that come one by one are read together: each read
 * costs more than the message in it. Does nothing where the connection was not made by {@link connectNats}, or is encrypted.
 */
export function restReading(connection: NatsConnection, ms: number): void {
  const protocol = protocolOf(connection);
  const transport = protocol && 'transport' in protocol ? protocol.transport : undefined;
  if (transport instanceof LeanTransport) transport.rest(ms);
}
