import { connect as connectMgm, type Mgm } from '@mgm/client';
import { parseNatsUrls, type RouterName, SERVICE_NAME, withoutSecrets } from '@mgm/protocol';
import { connect, type NatsConnection, serviceInstances } from '@mgm/nats';

const PING_WITHIN_MS = 300;
const CONNECT_WITHIN_MS = 5_000;
const RECONNECT_EVERY_MS = 500;

const CONNECTION = {
  name: 'mgm-demo',
  timeout: CONNECT_WITHIN_MS,
  maxReconnectAttempts: -1,
  reconnectTimeWait: RECONNECT_EVERY_MS,
  ignoreAuthErrorAbort: true,
} as const;

/** The bus as a watcher of one router uses it. */
export interface Bus extends AsyncDisposable {
  /** A client of the managers, over the same connection. */
  readonly mgm: Mgm;
  /** The replicas that answer, by name. */
  replicas(): Promise<string[]>;
}

/** Connects to a server that is there already; connections lost later are made again for ever. */
export async function openBus(url: string, router: RouterName): Promise<Bus> {
  const connection = await dial(url);
  const mgm = await connectMgm({ connection, router });
  return {
    mgm,
    replicas: () => replicasOn(connection),
    [Symbol.asyncDispose]: async () => {
      await mgm.close();
      await connection.close();
    },
  };
}

async function dial(url: string): Promise<NatsConnection> {
  try {
    const { servers, tls, ...credentials } = parseNatsUrls(url);
    return await connect({
      ...credentials,
      ...(tls && { tls: {} }),
      servers: [...servers],
      ...CONNECTION,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`NATS at ${withoutSecrets(url)} can't be reached: ${why}`, { cause });
  }
}

async function replicasOn(connection: NatsConnection): Promise<string[]> {
  const instances = await serviceInstances(connection, SERVICE_NAME, PING_WITHIN_MS);
  return instances.map(({ metadata }) => metadata?.['replica'] ?? '');
}
