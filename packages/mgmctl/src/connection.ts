import { connect, isMgmError, type Mgm } from '@mgm/client';
import { parseNatsUrls, withoutSecrets, type NatsServers } from '@mgm/protocol';
import { UsageError } from './exit-code.ts';
import type { Io } from './io.ts';
import { variableOf } from './login-variables.ts';

/** The options of every command, as given on the command line. */
export interface GlobalOptions {
  readonly nats?: string;
  readonly router?: string;
  readonly prefix?: string;
  /** Path of a .creds file. */
  readonly creds?: string;
  /** Path of an NKEY seed. */
  readonly nkey?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly inboxPrefix?: string;
  /** The name of stored options. */
  readonly context?: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly color: boolean;
}

/** The NATS servers and the router of a command, for messages. */
export interface Target {
  /** Without passwords. */
  readonly nats: string;
  readonly router: string;
  /** Whether NATS had accepted the login. */
  readonly isConnected: boolean;
}

const NATS_URL = 'nats://127.0.0.1:4222';

/** The NATS servers to use: from the command line, else from the environment, else on this machine. */
function natsUrls({ nats }: Partial<GlobalOptions>, { env }: Pick<Io, 'env'>): string {
  return nats ?? (env['MGM_NATS_URL'] || NATS_URL);
}

/** The router to ask about. @throws UsageError if none is named */
export function routerOf({ router }: Partial<GlobalOptions>, { env }: Pick<Io, 'env'>): string {
  const name = router ?? (env['MGM_ROUTER'] || undefined);
  if (name !== undefined) return name;
  throw new UsageError('no router: name it with --router or in MGM_ROUTER');
}

/** The NATS servers with the credentials of their URLs. @throws UsageError for a text that is no NATS URL */
export function natsServers(options: Partial<GlobalOptions>, io: Pick<Io, 'env'>): NatsServers {
  const urls = natsUrls(options, io);
  try {
    return parseNatsUrls(urls);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--nats ${withoutSecrets(urls)}: ${error.message}`);
  }
}

/** The servers and the router that a command uses, for messages. */
export function targetOf(
  options: Partial<GlobalOptions>,
  io: Pick<Io, 'env'>,
  isConnected: boolean,
): Target {
  return {
    nats: withoutSecrets(natsUrls(options, io)),
    router: options.router ?? io.env['MGM_ROUTER'] ?? '',
    isConnected,
  };
}

/** `--timeout` leaves room for this many attempts of a request. */
const ATTEMPTS = 3;

/** The option of the command line, and its flag, for each option of the client that is a file. */
const FILES = {
  credsFile: ['creds', '--creds'],
  nkeyFile: ['nkey', '--nkey'],
  certFile: ['tlsCert', '--tls-cert'],
  keyFile: ['tlsKey', '--tls-key'],
  caFile: ['tlsCa', '--tls-ca'],
} as const;

/** An error of the client in the words of the command line, or of the environment where a file is named there. */
function inWordsOf(options: GlobalOptions, { env }: Io, error: unknown): unknown {
  if (!isMgmError(error, 'bad-request') || error.field === undefined) return error;
  const { field } = error;
  const message = error.message.replace(`${field}: `, '');
  if (field === 'natsOptions.inboxPrefix') return new UsageError(`--inbox-prefix: ${message}`);
  if (!isFile(field)) return error;
  const [option, flag] = FILES[field];
  return new UsageError(`${variableOf(option, options[option], env) ?? flag}: ${message}`);
}

function isFile(field: string): field is keyof typeof FILES {
  return Object.hasOwn(FILES, field);
}

/**
 * Connects as the options say. Gives up with the signal and after `--timeout`.
 *
 * @throws UsageError for a credentials file that cannot be read or used, before any login
 */
export async function connectAs(options: GlobalOptions, io: Io, signal: AbortSignal): Promise<Mgm> {
  const { prefix, inboxPrefix, timeout: deadlineMs } = options;
  const { tls, ...servers } = natsServers(options, io);
  const connecting = connect({
    ...servers,
    ...(tls && { tls: {} }),
    credsFile: options.creds,
    nkeyFile: options.nkey,
    certFile: options.tlsCert,
    keyFile: options.tlsKey,
    caFile: options.tlsCa,
    natsOptions: { ...(inboxPrefix !== undefined && { inboxPrefix }) },
    router: routerOf(options, io),
    prefix,
    name: `mgmctl ${io.user}`,
    deadlineMs,
    timeoutMs: Math.ceil(deadlineMs / ATTEMPTS),
    signal,
  });
  return await connecting.catch((error: unknown) => {
    throw inWordsOf(options, io, error);
  });
}

/** A cheap request. Rejects with `MgmError` if no manager answers in time. */
export async function probe(mgm: Mgm, signal: AbortSignal): Promise<void> {
  for await (const _ of mgm.sessions({ limit: 1, signal })) return;
}
