import { CredentialsError, readCredentials, type CredentialFiles } from '@mgm/nats';
import {
  DEFAULT_PREFIX,
  parseNatsUrls,
  routerName,
  subjectsUnder,
  unsupportedNode,
} from '@mgm/protocol';
import type { RouterName, Subjects } from '@mgm/protocol';
import { badRequest, isMgmError, MgmError } from './errors.ts';
import { Mgm } from './mgm.ts';
import { checkedLimits, omitUndefined, silentLogger } from './options.ts';
import type { CallLimits, Logger } from './options.ts';
import { Calls } from './rpc/calls.ts';
import { Agenda, backoffMs, pause, systemClock } from './rpc/clock.ts';
import { StoreLog } from './rpc/context.ts';
import { checkTracing, guardedHook, RequestTracer } from './rpc/observers.ts';
import type { Measurement, TracingApi } from './rpc/observers.ts';
import { connectionClosed, createInbox, dial, Transport } from './rpc/transport.ts';
import type { ConnectionOptions, NatsConnection } from './rpc/transport.ts';

/**
 * How to reach the managers of a router. Credentials files are read before the first attempt to connect, and not together with
 * `connection`.
 */
export interface ConnectOptions extends CredentialFiles {
  /**
   * One or more NATS servers: `nats://127.0.0.1:4222`, also `nats://user:password@host` or `tls://host`, several as a list
   * or separated by commas. Default `nats://127.0.0.1:4222`. Not together with `connection`.
   */
  readonly servers?: string | readonly string[] | undefined;
  /** The router whose interfaces the client uses: 1 to 64 of A-Z a-z 0-9 _ -. */
  readonly router: string;
  /** The prefix of all subjects. Default `mgm.v1`. */
  readonly prefix?: string | undefined;
  /** The name of the connection, for NATS monitoring. */
  readonly name?: string | undefined;
  /** The longest wait for a reply before a request is repeated, in ms: 1 to 3600000, default 2000. */
  readonly timeoutMs?: number | undefined;
  /** How long a whole call may take, in ms: 1 to 3600000, default 10000. Also for connecting. */
  readonly deadlineMs?: number | undefined;
  /** Aborts connecting. Without effect afterwards. */
  readonly signal?: AbortSignal | undefined;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
  /** As in `natsOptions`. */
  readonly tls?: ConnectionOptions['tls'];
  /** Further options of the `nats` package. */
  readonly natsOptions?: ConnectionOptions | undefined;
  /** An existing connection, which `close` leaves open. It should reconnect for ever (`maxReconnectAttempts: -1`). */
  readonly connection?: NatsConnection | undefined;
  /** Where to log. Default: nowhere. */
  readonly logger?: Logger | undefined;
  /**
   * The module `@opentelemetry/api`, 1.9 or newer (`import * as tracing from '@opentelemetry/api'`): each request but keepalives has a
   * span, and managers continue its trace. Default: no tracing. See `docs/tracing.md`.
   */
  readonly tracing?: TracingApi | undefined;
  /**
   * Called with each measurement: of each request, and of the margin of the lease at each keepalive. Called synchronously
   * where replies are handled, so it must be quick. Its first exception, or rejection, is logged as a warning; none has another effect.
   */
  readonly onMeasure?: ((measurement: Measurement) => unknown) | undefined;
}

const TIMEOUT_MS = 2_000;
const DEADLINE_MS = 10_000;

/**
 * Connects to the managers of a router. NATS must be available, a manager need not be yet: calls wait for one within their
 * deadline. A connection that breaks later is restored automatically. A `connection` that is being restored now is
 * accepted: the client is `down` at first.
 *
 * Takes `deadlineMs` at most, and a failure leaves no socket. Rejects with `MgmError`: `bad-request` (an invalid option, or
 * credentials that can not be read), `unavailable` (no NATS within `deadlineMs`), `not-permitted` (a refused login),
 * `closed` (a `connection` that is closed or draining), `aborted`.
 */
export async function connect(options: ConnectOptions): Promise<Mgm> {
  const unsupported = unsupportedNode();
  if (unsupported !== undefined) throw new Error(`@mgm/client ${unsupported}`);
  const { router, subjects, timeoutMs, deadlineMs } = checked(options);
  const { signal } = options;
  const deadline = AbortSignal.timeout(Math.ceil(deadlineMs));
  const limit = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const connection =
    options.connection ?? (await dialUntil(options, await readFiles(options), limit));
  if (connection.isClosed() || connection.isDraining()) throw connectionClosed();
  const { inboxPrefix } = options.natsOptions ?? {};
  const transport = new Transport(connection, options.connection === undefined, inboxPrefix);
  const clock = systemClock;
  const agenda = new Agenda(clock);
  const logger = options.logger ?? silentLogger;
  const observers = {
    tracer: options.tracing && new RequestTracer(options.tracing),
    measure: options.onMeasure && guardedHook(options.onMeasure, logger),
  };
  const mgm = new Mgm({
    router,
    subjects,
    transport,
    calls: new Calls(transport, clock, agenda, observers),
    clock,
    agenda,
    logger,
    ...observers,
    store: new StoreLog(),
    timeoutMs,
    deadlineMs,
  });
  await transport.open(limit).catch(async (error: unknown) => {
    await mgm.close();
    throw limit.aborted ? gaveUp(options) : error;
  });
  return mgm;
}

interface Checked extends CallLimits {
  readonly router: RouterName;
  readonly subjects: Subjects;
}

const CREDENTIAL_FILES = ['credsFile', 'nkeyFile', 'certFile', 'keyFile', 'caFile'] as const;
const OPTIONAL_STRINGS = [
  ...(['prefix', 'name', 'user', 'pass', 'token'] as const),
  ...CREDENTIAL_FILES,
] as const;

function checked(options: ConnectOptions): Checked {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw badRequest('options: must be an object', 'options');
  }
  checkString('router', options.router);
  for (const field of OPTIONAL_STRINGS) {
    if (options[field] !== undefined) checkString(field, options[field]);
  }
  checkTracing(options.tracing);
  if (options.onMeasure !== undefined && typeof options.onMeasure !== 'function') {
    throw badRequest('onMeasure: must be a function', 'onMeasure');
  }
  const { inboxPrefix } = options.natsOptions ?? {};
  if (inboxPrefix !== undefined) {
    checkString('natsOptions.inboxPrefix', inboxPrefix);
    inField('natsOptions.inboxPrefix', () => createInbox(inboxPrefix));
  }
  if (options.connection && options.servers !== undefined) {
    throw badRequest('connection: must not be combined with `servers`', 'connection');
  }
  const file = CREDENTIAL_FILES.find((field) => options[field] !== undefined);
  if (options.connection && file !== undefined) {
    throw badRequest(`${file}: must not be combined with \`connection\``, file);
  }
  return {
    router: inField('router', () => routerName(options.router)),
    subjects: inField('prefix', () => subjectsUnder(options.prefix ?? DEFAULT_PREFIX)),
    ...checkedLimits(options, { timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS }),
  };
}

/** JavaScript callers may pass anything, such as an unset environment variable. */
function checkString(field: string, value: unknown): void {
  if (typeof value !== 'string') throw badRequest(`${field}: must be a string`, field);
}

function inField<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    throw badRequest(fault.startsWith(field) ? fault : `${field}: ${fault}`, field);
  }
}

/** The connection options that the credentials files contain. */
async function readFiles(options: ConnectOptions): Promise<ConnectionOptions> {
  try {
    return await readCredentials(options);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw badRequest(`${error.option}: ${error.message}`, error.option);
  }
}

/** Repeats until there is a connection, because a worker may start before its NATS server. */
async function dialUntil(
  options: ConnectOptions,
  credentials: ConnectionOptions,
  limit: AbortSignal,
): Promise<NatsConnection> {
  const natsOptions = connectionOptions(options, credentials);
  let failure: MgmError | undefined;
  for (let attempt = 1; !limit.aborted; attempt++) {
    try {
      return await dial(natsOptions, limit);
    } catch (error) {
      if (limit.aborted) break;
      if (!isMgmError(error) || !error.retryable) throw error;
      failure = error;
      await pause(systemClock, backoffMs(attempt), limit);
    }
  }
  throw gaveUp(options, failure);
}

/** The error after the caller's signal or the deadline fired; `failure` is that of the last attempt. */
function gaveUp({ signal }: ConnectOptions, failure?: MgmError): MgmError {
  if (signal?.aborted) {
    return new MgmError('connecting was aborted by the caller', {
      reason: 'aborted',
      outcome: 'not-done',
    });
  }
  return (
    failure ??
    new MgmError('NATS is not reachable: no answer within the deadline', {
      reason: 'unavailable',
      outcome: 'not-done',
      retryable: true,
    })
  );
}

function connectionOptions(
  { servers, name, user, pass, token, tls, natsOptions }: ConnectOptions,
  { tls: tlsFiles, ...login }: ConnectionOptions,
): ConnectionOptions {
  const options: ConnectionOptions = {
    ...natsOptions,
    ...(servers !== undefined && inField('servers', () => readServers(servers))),
    ...omitUndefined({ name, user, pass, token, tls }),
    ...login,
  };
  return tlsFiles ? { ...options, tls: { ...options.tls, ...tlsFiles } } : options;
}

/** `host:port` without a scheme is accepted too, as in the `nats` package. */
function readServers(servers: string | readonly string[]) {
  const list = (typeof servers === 'string' ? servers.split(',') : servers).map((one) =>
    one.trim(),
  );
  const urls = list.map((one) => (one.includes('://') ? one : `nats://${one}`));
  const { servers: hosts, tls, ...credentials } = parseNatsUrls(urls.join(','));
  return { ...credentials, ...(tls && { tls: {} }), servers: [...hosts] };
}
