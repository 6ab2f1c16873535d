import { parseNatsUrls, QUEUE_GROUP, SERVICE_NAME } from '@mgm/protocol';
import {
  addService,
  connect,
  type ConnectionOptions,
  Events,
  natsFault,
  natsFaultByCode,
  type NatsConnection,
  type Service,
  type ServiceEndpoint,
  type ServiceOptions,
  type Status,
} from '@mgm/nats';
import { pause, within } from './limits.ts';

const CONNECT_WITHIN_MS = 2000;
const RETRY_EVERY_MS = 250;
const RETRY_JITTER_MS = 250;
/** Two pings unanswered, so a silent server is given up after 4 to 6 s. */
const PING_EVERY_MS = 2000;
const PINGS_UNANSWERED = 2;

/** Why NATS cannot be used. `refused`: the server answers, and a person must change a setting. */
export interface NatsTrouble {
  readonly kind: 'unreachable' | 'refused';
  readonly reason: string;
}

export type BusState =
  | { readonly kind: 'connecting'; readonly trouble?: NatsTrouble }
  | { readonly kind: 'ready'; readonly server: string }
  | { readonly kind: 'lost'; readonly trouble: NatsTrouble }
  | { readonly kind: 'closed'; readonly failure?: string };

export interface BusOptions {
  /** As `MGM_NATS_URL`. */
  readonly url: string;
  /** Of this replica. */
  readonly name: string;
  readonly version: string;
  /** What `$SRV` tells of this replica, asked for once, when it begins to serve. */
  readonly metadata: () => Readonly<Record<string, string>>;
  /** What `$SRV.STATS` tells of the endpoint on this subject. */
  readonly stats: (subject: string) => Promise<object>;
  /** Called at each change, also when the reason why there is no connection changes. */
  readonly onStateChange?: (state: BusState) => void;
  /** Called once per connection when NATS denies a publish. */
  readonly onPublishDenied?: (subject: string) => void;
}

/** A request as NATS delivered it. `reply` is empty where no reply is expected. */
export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
}

/** The manager's connection to NATS: found in the background, kept for ever, given up by {@link Bus.close} alone. */
export class Bus {
  readonly #options: BusOptions;
  readonly #closing = new AbortController();
  readonly #connected = Promise.withResolvers<void>();
  #state: BusState = { kind: 'connecting' };
  #connection: NatsConnection | undefined;
  #service: Service | undefined;
  #serving: Promise<unknown> | undefined;
  #deniedReported = false;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#connect().catch((error: unknown) => this.#fail(String(error)));
  }

  get state(): BusState {
    return this.#state;
  }

  /** Resolves with the first connection; stays pending when there is never one. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** The most bytes that the server takes in one message. */
  get maxPayload(): number {
    return this.#connection?.info?.max_payload ?? 1024 * 1024;
  }

  /** Sends a message of at most {@link maxPayload} bytes, or drops it while there is no connection. */
  publish(subject: string, bytes: Uint8Array): void {
    if (this.#state.kind === 'ready') this.#connection?.publish(subject, bytes);
  }

  /**
   * Takes requests on the endpoints, in the queue group of all managers, as a service that `$SRV` finds. Resolves when
   * the server has taken the subscriptions, rejects when it refuses one.
   */
  serve(endpoints: readonly ServiceEndpoint[]): Promise<void> {
    const serving = this.#serve(endpoints);
    this.#serving = Promise.allSettled([serving]);
    return serving;
  }

  /** Whether the server is there: it has handled all that was sent before, and said so within `ms`. */
  async reaches(ms: number): Promise<boolean> {
    if (this.#state.kind !== 'ready') return false;
    try {
      await within(ms, this.#open().flush(), 'no answer in time');
      return true;
    } catch {
      return false;
    }
  }

  /** Takes no more requests. When it resolves, each one that the server gave to this replica has been handled. */
  async drain(): Promise<void> {
    await this.#serving;
    await this.#service?.stop();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    this.#become({ kind: 'closed' });
  }

  async #serve(endpoints: readonly ServiceEndpoint[]): Promise<void> {
    const connection = this.#open();
    const service = await addService(connection, this.#serviceOptions(endpoints));
    this.#service = service;
    void service.stopped.then((error) => error && this.#fail(`service ended: ${error.message}`));
    // Lost in between, the connection brings its subscriptions along when it is back.
    while (!(await this.reaches(CONNECT_WITHIN_MS))) {
      if (this.#state.kind === 'closed') break;
      await pause(RETRY_EVERY_MS, this.#closing.signal);
    }
    if (service.isStopped) throw new Error(`NATS: ${(await service.stopped)?.message ?? 'closed'}`);
  }

  #serviceOptions(endpoints: readonly ServiceEndpoint[]): ServiceOptions {
    const { version, metadata, stats } = this.#options;
    return {
      name: SERVICE_NAME,
      version,
      description: 'Multicast group manager: one owner per interface',
      metadata: metadata(),
      queue: QUEUE_GROUP,
      endpoints,
      stats,
    };
  }

  #open(): NatsConnection {
    if (this.#connection !== undefined && !this.#connection.isClosed()) return this.#connection;
    throw new Error('not connected to NATS');
  }

  async #connect(): Promise<void> {
    const connection = await this.#firstConnection();
    if (connection === undefined) return;
    if (this.#closing.signal.aborted) return connection.close();
    this.#connection = connection;
    this.#become({ kind: 'ready', server: serverOf(connection) });
    this.#connected.resolve();
    void connection.closed().then((error) => this.#fail(natsFault(error).reason));
    for await (const status of connection.status()) this.#follow(connection, status);
  }

  /** The NATS client can wait for a server by itself, but tells nobody why it waits, and cannot be stopped. */
  async #firstConnection(): Promise<NatsConnection | undefined> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return await connect(this.#connectOptions(), signal);
      } catch (error) {
        if (!signal.aborted) this.#become({ kind: 'connecting', trouble: troubleIn(error) });
      }
      await pause(RETRY_EVERY_MS + Math.random() * RETRY_JITTER_MS, signal);
    }
    return undefined;
  }

  #connectOptions(): ConnectionOptions {
    const { servers, tls, ...credentials } = parseNatsUrls(this.#options.url);
    return {
      ...credentials,
      servers: [...servers],
      name: `${SERVICE_NAME}-${this.#options.name}`,
      timeout: CONNECT_WITHIN_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RETRY_EVERY_MS,
      reconnectJitter: RETRY_JITTER_MS,
      reconnectJitterTLS: RETRY_JITTER_MS,
      ignoreAuthErrorAbort: true,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_UNANSWERED,
      // Its own resolver asks DNS alone; without it names are looked up as everywhere. TLS needs it to check names.
      resolve: tls,
      ...(tls && { tls: {} }),
    };
  }

  #follow(connection: NatsConnection, status: Status): void {
    if (status.type === Events.Disconnect) {
      // It also says so after each failed attempt, and then an attempt's own trouble tells more.
      if (this.#state.kind === 'lost') return;
      const reason = `connection to ${textOf(status)} lost`;
      this.#become({ kind: 'lost', trouble: { kind: 'unreachable', reason } });
    } else if (status.type === Events.Reconnect) {
      this.#deniedReported = false;
      this.#become({ kind: 'ready', server: serverOf(connection) });
    } else if (status.type === Events.Error) {
      this.#followError(status);
    }
  }

  #followError(status: Status): void {
    const { permissionContext } = status;
    if (permissionContext !== undefined) this.#denied(permissionContext);
    else if (this.#state.kind === 'lost') {
      this.#become({ kind: 'lost', trouble: troubleByCode(textOf(status)) });
    }
  }

  /** Without a subscription this is no manager. Of publishes one line tells enough: inboxes are each another one. */
  #denied({ operation, subject }: { operation: string; subject: string }): void {
    if (operation === 'subscription') this.#fail(`it denies subscribing to ${subject}`);
    if (operation !== 'publish' || this.#deniedReported) return;
    this.#deniedReported = true;
    this.#options.onPublishDenied?.(subject);
  }

  #fail(reason: string): void {
    if (!this.#closing.signal.aborted) this.#become({ kind: 'closed', failure: reason });
  }

  #become(state: BusState): void {
    if (this.#state.kind === 'closed') return;
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#options.onStateChange?.(state);
  }
}

function troubleIn(error: unknown): NatsTrouble {
  const { kind, reason } = natsFault(error);
  return { kind: kind === 'unreachable' || kind === 'closed' ? 'unreachable' : 'refused', reason };
}

function troubleByCode(code: string): NatsTrouble {
  const { kind, reason } = natsFaultByCode(code) ?? { kind: 'misconfigured', reason: code };
  return { kind: kind === 'unreachable' || kind === 'closed' ? 'unreachable' : 'refused', reason };
}

function textOf({ data }: Status): string {
  return typeof data === 'string' ? data : '';
}

function serverOf(connection: NatsConnection): string {
  return `nats ${connection.info?.version ?? '?'} at ${connection.getServer()}`;
}
