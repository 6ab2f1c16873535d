import {
  CredentialsError,
  readCredentials,
  type ConnectionOptions,
  type CredentialFiles,
} from '@mgm/nats';
import type { RedisCredentials } from '@mgm/store';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';
import type { variables } from './variables.ts';

type Values = z.output<typeof variables>;
type Variables = Readonly<Partial<Record<keyof CredentialFiles, keyof Values>>>;

/** The variable of each file for NATS. */
const NATS_FILES = {
  credsFile: 'MGM_NATS_CREDS',
  nkeyFile: 'MGM_NATS_NKEY_FILE',
  certFile: 'MGM_NATS_CERT',
  keyFile: 'MGM_NATS_KEY',
  caFile: 'MGM_NATS_CA',
} as const satisfies Variables;

/** The variable of each file for Redis. */
const REDIS_FILES = {
  certFile: 'MGM_REDIS_CERT',
  keyFile: 'MGM_REDIS_KEY',
  caFile: 'MGM_REDIS_CA',
} as const satisfies Variables;

export function natsFilesOf(values: Values): CredentialFiles {
  return {
    credsFile: values.MGM_NATS_CREDS || undefined,
    nkeyFile: values.MGM_NATS_NKEY_FILE || undefined,
    certFile: values.MGM_NATS_CERT || undefined,
    keyFile: values.MGM_NATS_KEY || undefined,
    caFile: values.MGM_NATS_CA || undefined,
  };
}

export function redisFilesOf(values: Values): CredentialFiles {
  return {
    certFile: values.MGM_REDIS_CERT || undefined,
    keyFile: values.MGM_REDIS_KEY || undefined,
    caFile: values.MGM_REDIS_CA || undefined,
  };
}

/** What was read from files that the configuration names. */
export interface Credentials {
  readonly nats: ConnectionOptions;
  readonly redis: RedisCredentials;
}

interface Named {
  readonly natsFiles: CredentialFiles;
  readonly redisFiles: CredentialFiles;
  readonly redisSentinelPassword: string;
}

/**
 * Reads the files that the configuration names.
 *
 * @throws {ConfigError} for a file that cannot be read or used; it names the variable and the file, and nothing of its content
 */
export async function readCredentialFiles(config: Named): Promise<Credentials> {
  const { natsFiles, redisFiles, redisSentinelPassword } = config;
  const nats = await read(natsFiles, NATS_FILES);
  const { tls } = await read(redisFiles, REDIS_FILES);
  const sentinelPassword = redisSentinelPassword || undefined;
  return { nats, redis: { sentinelPassword, ...(tls && { tls: pemsOf(tls) }) } };
}

async function read(files: CredentialFiles, names: Variables): Promise<ConnectionOptions> {
  try {
    return await readCredentials(files);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw new ConfigError([`${names[error.option] ?? error.option}: ${error.message}`]);
  }
}

function pemsOf({ cert, key, ca }: NonNullable<ConnectionOptions['tls']>) {
  return { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
}
