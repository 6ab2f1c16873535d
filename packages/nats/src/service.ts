import {
  type Msg,
  type NatsConnection,
  RequestStrategy,
  type Service,
  type ServiceIdentity,
} from 'nats';

/** One subject of a service. */
export interface ServiceEndpoint {
  /** As `$SRV.INFO` shows it: no dots. */
  readonly name: string;
  readonly subject: string;
  /** Called for each message, one after the other. Must neither throw nor block. */
  readonly handle: (message: Msg) => void;
}

/** A service of the NATS services protocol (`$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`). */
export interface ServiceOptions {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** The queue group that all instances share. */
  readonly queue: string;
  /** Published with this instance by `$SRV.PING` and `$SRV.INFO`. It cannot change later. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly ServiceEndpoint[];
  /** `data` of the endpoint on this subject in `$SRV.STATS`. */
  readonly stats: (subject: string) => Promise<object>;
}

/** Subscribes the endpoints and the `$SRV` subjects. The server may refuse a subscription later; see `Service.stopped`. */
export async function addService(
  connection: NatsConnection,
  { endpoints, stats, metadata, ...config }: ServiceOptions,
): Promise<Service> {
  const service = await connection.services.add({
    ...config,
    metadata: { ...metadata },
    statsHandler: ({ subject }) => stats(subject),
  });
  for (const { name, subject, handle } of endpoints) {
    const handler = (_: unknown, message: Msg): void => handle(message);
    service.addEndpoint(name, { subject, queue: config.queue, handler });
  }
  return service;
}

/**
 * The instances of a service that answer `$SRV.PING` within `withinMs`. Empty where none answers, also because the
 * connection is lost.
 */
export async function serviceInstances(
  connection: NatsConnection,
  name: string,
  withinMs: number,
): Promise<ServiceIdentity[]> {
  const wait = { strategy: RequestStrategy.Timer, maxWait: withinMs };
  const found: ServiceIdentity[] = [];
  try {
    for await (const one of await connection.services.client(wait).ping(name)) found.push(one);
  } catch {
    // No responders, or no connection: whatever answered before counts.
  }
  return found;
}
