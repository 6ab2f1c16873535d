import { DEFAULT_PREFIX, parseNatsUrls, routerName, subjectsUnder } from '@mgm/protocol';
import type { RouterName, Subjects } from '@mgm/protocol';
import { backoffMs } from './rpc/backoff.ts';
import { Calls } from './rpc/calls.ts';
import { Agenda, systemClock } from './rpc/clock.ts';
import { badRequest, isMgmError, MgmError } from './errors.ts';
import { silentLogger, type Logger } from './rpc/logger.ts';
import { Mgm } from './mgm.ts';
import { checkedLimits, type CallLimits } from './options.ts';
import { StoreLog } from './rpc/store-log.ts';
import { dial, Transport, type ConnectionOptions, type NatsConnection } from './rpc/transport.ts';
import { pause } from './rpc/waiting.ts';

/** Where the managers are and how to talk to them. */
export interface ConnectOptions {
  /**
   * One or more NATS servers: `nats://127.0.0.1:4222`, also `nats://user:password@host` or `tls://host`, several with commas
   * between or as a list. Default `nats://127.0.0.1:4222`. Not together with `connection`.
   */
  readonly servers?: string | readonly string[] | undefined;
  /** The router whose interfaces this is about: 1 to 64 of A-Z a-z 0-9 _ -. */
  readonly router: string;
  /** What all subjects begin with. Default `mgm.v1`. */
  readonly prefix?: string | undefined;
  /** The name of the connection, for NATS' own monitoring. */
  readonly name?: string | undefined;
  /** How long one attempt waits for its answer before the next, in ms: 1 to 3600000, default 2000. */
  readonly timeoutMs?: number | undefined;
  /** How long a whole call may take, in ms: 1 to 3600000, default 10000. Also for connecting. */
  readonly deadlineMs?: number | undefined;
  /** Gives up connecting. Without effect afterwards. */
  readonly signal?: AbortSignal | undefined;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
  /** As in `natsOptions`. */
  readonly tls?: ConnectionOptions['tls'];
  /** Anything else that the `nats` package takes. */
  readonly natsOptions?: ConnectionOptions | undefined;
  /** A connection that is there already. `close` leaves it open. It should reconnect for ever (`maxReconnectAttempts: -1`). */
  readonly connection?: NatsConnection | undefined;
  /** Where to tell what happens. Default: nowhere. */
  readonly logger?: Logger | undefined;
}

const TIMEOUT_MS = 2_000;
const DEADLINE_MS = 10_000;

/**
 * Connects to the managers of a router. Needs NATS to be there, but no manager yet: calls wait for one as long as they
 * may. A connection that breaks later is made again by itself.
 *
 * Rejects with `MgmError`: `bad-request` (an option that can't be), `unavailable` (no NATS within `deadlineMs`),
 * `not-permitted` (a refused login), `aborted`.
 */
export async function connect(options: ConnectOptions): Promise<Mgm> {
  const { router, subjects, timeoutMs, deadlineMs } = checked(options);
  const connection = options.connection ?? (await dialUntil(options, deadlineMs));
  const clock = systemClock;
  const agenda = new Agenda(clock);
  const { inboxPrefix } = options.natsOptions ?? {};
  const transport = new Transport(connection, options.connection === undefined, inboxPrefix);
  return new Mgm({
    router,
    subjects,
    transport,
    calls: new Calls(transport, clock, agenda),
    clock,
    agenda,
    logger: options.logger ?? silentLogger,
    store: new StoreLog(),
    timeoutMs,
    deadlineMs,
  });
}

interface Checked extends CallLimits {
  readonly router: RouterName;
  readonly subjects: Subjects;
}

function checked(options: ConnectOptions): Checked {
  if (options.connection && options.servers !== undefined) {
    throw badRequest('connection: must not stand beside `servers`', 'connection');
  }
  return {
    router: inField('router', () => routerName(options.router)),
    subjects: inField('prefix', () => subjectsUnder(options.prefix ?? DEFAULT_PREFIX)),
    ...checkedLimits(options, { timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS }),
  };
}

function inField<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error), field);
  }
}

/** Tries until there is a connection, since a worker may well start before its NATS server. */
async function dialUntil(options: ConnectOptions, deadlineMs: number): Promise<NatsConnection> {
  const endsMono = systemClock.monoMs() + deadlineMs;
  for (let attempt = 1; ; attempt++) {
    if (options.signal?.aborted) throw givenUp();
    try {
      return await orAborted(dial(connectionOptions(options)), options.signal);
    } catch (error) {
      const waitMs = backoffMs(attempt);
      const isLate = systemClock.monoMs() + waitMs >= endsMono;
      if (!isMgmError(error) || !error.retryable || isLate) throw error;
      await pause(systemClock, waitMs, options.signal);
    }
  }
}

/** A connection that comes after its caller has gone is ended. */
async function orAborted(
  dialling: Promise<NatsConnection>,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  if (!signal) return await dialling;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(givenUp());
    dialling.then((connection) => connection.close()).catch(() => {});
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([dialling, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function connectionOptions({ servers, name, user, pass, token, tls, natsOptions }: ConnectOptions) {
  return {
    ...natsOptions,
    ...(servers !== undefined && inField('servers', () => readServers(servers))),
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...(tls !== undefined && { tls }),
  };
}

/** `host:port` without a scheme is taken, too, as the `nats` package does. */
function readServers(servers: string | readonly string[]) {
  const list = (typeof servers === 'string' ? servers.split(',') : servers).map((one) =>
    one.trim(),
  );
  const urls = list.map((one) => (one.includes('://') ? one : `nats://${one}`));
  const { servers: hosts, tls, ...credentials } = parseNatsUrls(urls.join(','));
  return { ...credentials, ...(tls && { tls: {} }), servers: [...hosts] };
}

function givenUp(): MgmError {
  return new MgmError('connecting was given up by the caller', {
    reason: 'aborted',
    outcome: 'not-done',
  });
}
