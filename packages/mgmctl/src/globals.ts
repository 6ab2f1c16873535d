import { connect, type Mgm } from '@mgm/client';
import type { Io } from './io.ts';
import { parseNatsUrls, withoutSecrets, type NatsServers } from '@mgm/protocol';
import { UsageError } from './usage-error.ts';
import type { Place } from './failure.ts';

/** What every command takes, as it stands on the command line. */
export interface GlobalOptions {
  readonly nats?: string;
  readonly router?: string;
  readonly prefix?: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly color: boolean;
}

const NATS_URL = 'nats://127.0.0.1:4222';

/** The NATS servers to use: those of the command line, else of the environment, else of this machine. */
function natsUrls({ nats }: Partial<GlobalOptions>, { env }: Pick<Io, 'env'>): string {
  return nats ?? (env['MGM_NATS_URL'] || NATS_URL);
}

/** The router to ask about. @throws UsageError where none is named */
export function routerOf({ router }: Partial<GlobalOptions>, { env }: Pick<Io, 'env'>): string {
  const name = router ?? (env['MGM_ROUTER'] || undefined);
  if (name !== undefined) return name;
  throw new UsageError('no router: name it with --router or in MGM_ROUTER');
}

/** Where NATS is and as whom to connect. Throws {@link UsageError} for what is no URL of NATS. */
export function natsServers(options: Partial<GlobalOptions>, io: Pick<Io, 'env'>): NatsServers {
  const urls = natsUrls(options, io);
  try {
    return parseNatsUrls(urls);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--nats ${withoutSecrets(urls)}: ${error.message}`);
  }
}

/** Where this looks, for messages. */
export function placeOf(options: Partial<GlobalOptions>, io: Pick<Io, 'env'>): Place {
  return {
    nats: withoutSecrets(natsUrls(options, io)),
    router: options.router ?? io.env['MGM_ROUTER'] ?? '',
  };
}

/** An attempt gets a part of the time, so that one that is lost is repeated. */
const ATTEMPTS = 3;

/** Connects as the options say. Gives up with the signal, and with `--timeout`. */
export async function connectAs(options: GlobalOptions, io: Io, signal: AbortSignal): Promise<Mgm> {
  const { prefix, timeout: deadlineMs } = options;
  const { tls, ...servers } = natsServers(options, io);
  return await connect({
    ...servers,
    ...(tls && { tls: {} }),
    router: routerOf(options, io),
    prefix,
    name: `mgmctl ${io.user}`,
    deadlineMs,
    timeoutMs: Math.ceil(deadlineMs / ATTEMPTS),
    signal,
  });
}
