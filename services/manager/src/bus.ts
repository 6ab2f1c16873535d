import { parseNatsUrls, QUEUE_GROUP, SERVICE_NAME } from '@mgm/protocol';
import {
  addService,
  connect,
  type ConnectionOptions,
  Events,
  isNoRespondersError,
  natsFault,
  natsFaultByCode,
  type NatsConnection,
  type NatsFault,
  type Service,
  type ServiceEndpoint,
  type ServiceOptions,
  type Status,
} from '@mgm/nats';
import { pause, within } from './abort.ts';

const CONNECT_TIMEOUT_MS = 2000;
const RETRY_EVERY_MS = 250;
const RETRY_JITTER_MS = 250;
/** With two unanswered pings, a silent server is given up after 4 to 6 s. */
const PING_EVERY_MS = 2000;
const UNANSWERED_PINGS_MAX = 2;
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** Why NATS cannot be used. `refused`: the server answers, and a person must change a setting. */
export interface NatsTrouble {
  readonly kind: 'unreachable' | 'refused';
  readonly reason: string;
}

export type BusState =
  | { readonly kind: 'connecting'; readonly trouble?: NatsTrouble }
  | { readonly kind: 'ready'; readonly server: string; readonly maxPayload: number }
  | { readonly kind: 'lost'; readonly trouble: NatsTrouble }
  | { readonly kind: 'closed'; readonly failure?: string };

export interface BusOptions {
  /** As `MGM_NATS_URL`. */
  readonly url: string;
  /** What was read from credentials files: authentication and TLS. */
  readonly credentials?: ConnectionOptions;
  /** Of this replica. */
  readonly name: string;
  readonly version: string;
  /** Metadata of this replica in `$SRV`; read once, when it begins to serve. */
  readonly metadata: () => Readonly<Record<string, string>>;
  /** `data` of the endpoint on this subject in `$SRV.STATS`. */
  readonly stats: (subject: string) => Promise<object>;
  /** Called at each change, also when only the reason changes why there is no connection. */
  readonly onStateChange?: (state: BusState) => void;
  /** Called once per connection when NATS denies a publish. */
  readonly onPublishDenied?: (subject: string) => void;
  /** Called once per connection when NATS denies the subscription for answers of sessions; {@link Bus.request} then has none. */
  readonly onInboxDenied?: (subject: string) => void;
}

/** A request as NATS delivered it. `reply` is empty where no reply is expected. */
export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
  /** Read from the message when they are asked for. */
  readonly headers?: { has(name: string): boolean; get(name: string): string } | undefined;
}

/** What became of a request to a session. `unanswered`: not in time, or there was no connection. */
export type AskOutcome =
  | { readonly kind: 'answered'; readonly data: Uint8Array }
  | { readonly kind: 'no-subscriber' }
  | { readonly kind: 'unanswered' };

/** Where answers of sessions arrive. */
const INBOX = `_INBOX.${SERVICE_NAME}`;

const NOT_ASKED: AskOutcome = { kind: 'unanswered' };

/** The manager's connection to NATS: opened in the background, reconnected for ever, ended only by {@link Bus.close}. */
export class Bus {
  readonly #options: BusOptions;
  readonly #closing = new AbortController();
  readonly #connected = Promise.withResolvers<void>();
  #state: BusState = { kind: 'connecting' };
  #connection: NatsConnection | undefined;
  #service: Service | undefined;
  #serving: Promise<unknown> | undefined;
  /** Subjects without which a manager can serve. */
  readonly #optional = new Set<string>();
  readonly #deniedSubjects = new Set<string>();
  #isInboxDenied = false;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#connect().catch((error: unknown) => this.#fail(String(error)));
  }

  get state(): BusState {
    return this.#state;
  }

  /** Resolves with the first connection. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** The largest message that the server accepts, in bytes. */
  get maxPayload(): number {
    return this.#connection?.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
  }

  /** Sends a message of at most {@link maxPayload} bytes, or drops it while there is no connection. */
  publish(subject: string, bytes: Uint8Array): void {
    if (this.#state.kind === 'ready') this.#connection?.publish(subject, bytes);
  }

  /** Sends a request and resolves with the outcome: never rejects. `lateMs`: how long an answer is waited for. */
  async request(subject: string, bytes: Uint8Array, lateMs: number): Promise<AskOutcome> {
    if (this.#state.kind !== 'ready' || this.#connection === undefined) return NOT_ASKED;
    if (this.#isInboxDenied) return NOT_ASKED;
    try {
      const { data } = await this.#connection.request(subject, bytes, { timeout: lateMs });
      return { kind: 'answered', data };
    } catch (error) {
      return isNoRespondersError(error) ? { kind: 'no-subscriber' } : NOT_ASKED;
    }
  }

  /**
   * Calls `onMessage` for each message on the subject, and again after a reconnect, until the returned function is called.
   * Needs a connection. A subscription that NATS denies receives nothing; see {@link denies}.
   */
  subscribe(subject: string, onMessage: (message: BusMessage) => void): () => void {
    this.#optional.add(subject);
    const subscription = this.#open().subscribe(subject, {
      callback: (error, message) => {
        if (error === null) onMessage(message);
      },
    });
    return () => {
      if (!subscription.isClosed()) subscription.unsubscribe();
    };
  }

  /** Whether NATS has denied this user to publish or to subscribe to the subject on the present connection. */
  denies(subject: string): boolean {
    return this.#deniedSubjects.has(subject);
  }

  /**
   * Subscribes the endpoints in the queue group of all managers, as a service that `$SRV` finds. Resolves when the server
   * has processed the subscriptions, rejects when it denies one.
   */
  serve(endpoints: readonly ServiceEndpoint[]): Promise<void> {
    const serving = this.#serve(endpoints);
    this.#serving = Promise.allSettled([serving]);
    return serving;
  }

  /** The NATS probe: whether the server processes everything sent so far and confirms it within `ms`. */
  async reaches(ms: number): Promise<boolean> {
    if (this.#state.kind !== 'ready') return false;
    try {
      await within(ms, this.#open().flush());
      return true;
    } catch {
      return false;
    }
  }

  /** Takes no more requests. Resolves when every request that the server delivered to this replica was handled. */
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
    const service = await addService(this.#open(), this.#serviceOptions(endpoints));
    this.#service = service;
    void service.stopped.then((error) => error && this.#fail(`service ended: ${error.message}`));
    // A connection that is lost meanwhile subscribes again when it is back.
    while (!(await this.reaches(CONNECT_TIMEOUT_MS))) {
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
    this.#become(readyOver(connection));
    this.#connected.resolve();
    void connection.closed().then((error) => this.#fail(natsFault(error).reason));
    for await (const status of connection.status()) this.#follow(connection, status);
  }

  /** The NATS client can wait for a server by itself, but does not report why it waits. */
  async #firstConnection(): Promise<NatsConnection | undefined> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return await connect(this.#connectOptions(), signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#become({ kind: 'connecting', trouble: troubleOf(natsFault(error)) });
      }
      await pause(RETRY_EVERY_MS + Math.random() * RETRY_JITTER_MS, signal);
    }
    return undefined;
  }

  #connectOptions(): ConnectionOptions {
    const { servers, tls, ...login } = parseNatsUrls(this.#options.url);
    const { tls: files, ...credentials } = this.#options.credentials ?? {};
    return {
      ...login,
      ...credentials,
      servers: [...servers],
      name: `${SERVICE_NAME}-${this.#options.name}`,
      inboxPrefix: INBOX,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RETRY_EVERY_MS,
      reconnectJitter: RETRY_JITTER_MS,
      reconnectJitterTLS: RETRY_JITTER_MS,
      ignoreAuthErrorAbort: true,
      pingInterval: PING_EVERY_MS,
      maxPingOut: UNANSWERED_PINGS_MAX,
      // The client's own resolver knows DNS but no hosts file. TLS needs it to check names.
      resolve: tls,
      ...((tls || files) && { tls: { ...files } }),
    };
  }

  #follow(connection: NatsConnection, status: Status): void {
    if (status.type === Events.Disconnect) {
      // The client reports this after each failed attempt, too; then the attempt's own error is more precise.
      if (this.#state.kind === 'lost') return;
      const reason = `connection to ${textOf(status)} lost`;
      this.#become({ kind: 'lost', trouble: { kind: 'unreachable', reason } });
    } else if (status.type === Events.Reconnect) {
      this.#deniedSubjects.clear();
      this.#isInboxDenied = false;
      this.#become(readyOver(connection));
    } else if (status.type === Events.Error) {
      this.#followError(status);
    }
  }

  #followError(status: Status): void {
    const { permissionContext } = status;
    if (permissionContext !== undefined) this.#denied(permissionContext);
    else if (this.#state.kind === 'lost') {
      const code = textOf(status);
      const fault = natsFaultByCode(code) ?? { kind: 'misconfigured', reason: code };
      this.#become({ kind: 'lost', trouble: troubleOf(fault) });
    }
  }

  /** A manager without its endpoints is useless. Denied publishes are reported once per connection: every inbox differs. */
  #denied({ operation, subject }: { operation: string; subject: string }): void {
    if (operation === 'subscription' && subject.startsWith(`${INBOX}.`)) {
      if (!this.#isInboxDenied) this.#options.onInboxDenied?.(subject);
      this.#isInboxDenied = true;
      return;
    }
    if (operation === 'subscription' && !this.#optional.has(subject))
      return this.#fail(`it denies subscribing to ${subject}`);
    const isFirst = this.#deniedSubjects.size === 0;
    if (isFirst || this.#optional.has(subject)) this.#deniedSubjects.add(subject);
    if (operation === 'publish' && isFirst) this.#options.onPublishDenied?.(subject);
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

const REFUSALS: ReadonlySet<NatsFault['kind']> = new Set([
  'login-refused',
  'unreadable-credentials',
  'misconfigured',
]);

function troubleOf({ kind, reason }: NatsFault): NatsTrouble {
  const isRefusal = REFUSALS.has(kind);
  return { kind: isRefusal ? 'refused' : 'unreachable', reason };
}

function textOf({ data }: Status): string {
  return typeof data === 'string' ? data : '';
}

function readyOver(connection: NatsConnection): BusState {
  const server = `nats ${connection.info?.version ?? '?'} at ${connection.getServer()}`;
  return { kind: 'ready', server, maxPayload: connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD };
}
