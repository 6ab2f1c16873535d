import { hostname } from 'node:os';
import { DEFAULT_PREFIX } from '@mgm/protocol';
import type { DurabilityMode } from '@mgm/store';
import { z } from 'zod';
import {
  documented,
  integer,
  matching,
  natsUrls,
  oneOf,
  password,
  redisUrl,
  routerNames,
  subjectPrefix,
  variable,
} from './values.ts';

/** Of pino. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const filePath = matching(/^.{1,4096}$/, 'a path');

const DURABILITY_MODES = ['memory', 'durable', 'replicated'] as const satisfies DurabilityMode[];

/** Every variable that a manager reads. Names, ranges, defaults and meanings are defined only here. */
export const variables = z.object({
  MGM_NATS_URL: variable(natsUrls, 'nats://127.0.0.1:4222', 'NATS servers'),
  MGM_NATS_CREDS: variable(
    filePath,
    '',
    'a `.creds` file for NATS: a user JWT and its seed',
    'none',
  ),
  MGM_NATS_NKEY_FILE: variable(
    filePath,
    '',
    'the seed of an NKEY user of NATS; not together with `MGM_NATS_CREDS`',
    'none',
  ),
  MGM_NATS_CERT: variable(
    filePath,
    '',
    'TLS client certificate for NATS in PEM; needs `MGM_NATS_KEY`',
    'none',
  ),
  MGM_NATS_KEY: variable(filePath, '', 'the private key of `MGM_NATS_CERT` in PEM', 'none'),
  MGM_NATS_CA: variable(
    filePath,
    '',
    'certificate authorities for NATS in PEM, instead of those that Node trusts',
    'none',
  ),
  MGM_REDIS_URL: variable(redisUrl, 'redis://127.0.0.1:6379', 'the Redis that holds all state'),
  MGM_REDIS_CERT: variable(
    filePath,
    '',
    'TLS client certificate for Redis in PEM, also for sentinels; needs `MGM_REDIS_KEY`',
    'none',
  ),
  MGM_REDIS_KEY: variable(filePath, '', 'the private key of `MGM_REDIS_CERT` in PEM', 'none'),
  MGM_REDIS_CA: variable(
    filePath,
    '',
    'certificate authorities for Redis and sentinels in PEM, instead of those that Node trusts',
    'none',
  ),
  MGM_REDIS_SENTINEL_PASSWORD: variable(
    password,
    '',
    'password of the sentinels, which may differ from that of Redis in the URL',
    'none',
  ),
  MGM_PREFIX: variable(subjectPrefix, DEFAULT_PREFIX, 'the tokens with which every subject begins'),
  MGM_KEY_PREFIX: variable(
    matching(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -'),
    'mgm',
    'the text with which every Redis key begins',
  ),
  MGM_IDENTITY: variable(
    oneOf(['none', 'subject']),
    'none',
    '`subject`: NATS vouches for the sender of each request in its subject; see [security](security.md)',
  ),
  MGM_POLICY_FILE: variable(
    filePath,
    '',
    'with `MGM_IDENTITY=subject`: the file that says who may do what; read again when it changes and on SIGHUP',
    'everything but to take over sessions of other identities',
  ),
  MGM_ROUTERS: variable(
    routerNames,
    [],
    'the only routers to serve; requests for others are refused',
    'all',
  ),
  MGM_NAME: variable(
    matching(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -'),
    ownName,
    'name of this replica in logs and in NATS',
    'host name and process id',
  ),
  MGM_LOG_LEVEL: variable(oneOf(LOG_LEVELS), 'info', 'the lowest level to log'),
  MGM_BATCH_MAX: variable(
    integer(1, 1024),
    256,
    'operations decided by one script call, weighted by interfaces',
  ),
  MGM_QUEUE_MAX: variable(
    integer(1, 1_000_000),
    10_000,
    'operations that may wait for the store, shared fairly by routers and sessions; more are refused as `overloaded`',
  ),
  MGM_STORE_TIMEOUT_MS: variable(
    integer(50, 2000),
    300,
    'ms after which a request to the store gets a refusal, also when Redis hangs',
  ),
  MGM_DURABILITY: variable(
    oneOf(DURABILITY_MODES),
    'memory',
    'what a change survives once it is acknowledged; see [durability](durability.md)',
  ),
  MGM_REPLICAS: variable(
    integer(1, 100),
    1,
    'with `MGM_DURABILITY=replicated`: replicas that must have a change before it is acknowledged',
  ),
  MGM_REPLICATION_TIMEOUT_MS: variable(
    integer(10, 1000),
    200,
    'with `MGM_DURABILITY=replicated`: ms that replicas may take; after that the outcome is unknown',
  ),
  MGM_SWEEP_EVERY_MS: variable(
    integer(50, 500),
    250,
    'ms between two sweeps for expired leases, per router',
  ),
  MGM_HEAD_EVERY_MS: variable(
    integer(100, 1000),
    1000,
    'the most ms between two `head` messages of a router with live sessions',
  ),
  MGM_EVENT_RETENTION: variable(
    integer(1000, 10_000_000),
    100_000,
    'events kept per router, for watchers that missed some',
  ),
  MGM_RETENTION_MS: variable(
    integer(1_200_000, 31_536_000_000),
    86_400_000,
    'ms that a router without sessions keeps its data, event log included; the same for all managers',
  ),
  MGM_OPERATOR_EVENTS: variable(
    integer(100, 1_000_000),
    10_000,
    'entries kept in the operator log of a router: actions of operators and refused attempts',
  ),
  MGM_OPERATOR_RETENTION_MS: variable(
    integer(3_600_000, 315_360_000_000),
    7_776_000_000,
    'ms that the operator log of a router is kept after its last entry',
  ),
  MGM_ROUTERS_MAX: variable(
    integer(1, 10_000_000),
    100_000,
    'routers that the store may have data of; a `register` on one more is refused as `overloaded`',
  ),
  MGM_SESSIONS_MAX: variable(
    integer(1, 10_000_000),
    100_000,
    'sessions of one router; one more is refused as `overloaded`',
  ),
  MGM_INTERFACES_MAX: variable(
    integer(1, 100_000_000),
    1_000_000,
    'interfaces of one session; one more is refused as `overloaded`',
  ),
  MGM_ENTRIES_MAX: variable(
    integer(1_000, 10_000_000),
    1_000_000,
    'entries, (s,g), (\\*,g) and (\\*,\\*), with group memberships of one router; one more is refused as `limit`',
  ),
  MGM_ROUTES_MAX: variable(
    integer(1_000, 10_000_000),
    1_000_000,
    'routes of the multicast view of one router; one more is refused as `limit`',
  ),
  MGM_MFES_MAX: variable(
    integer(1_000, 10_000_000),
    1_000_000,
    'forwarding entries of one router; one more is refused as `limit`',
  ),
  MGM_HEALTH_PORT: variable(
    integer(0, 65_535),
    0,
    'port of `/livez`, `/readyz` and `/metrics`; 0: no health server',
  ),
  MGM_HEALTH_HOST: variable(
    matching(/^[A-Za-z0-9.:_-]{1,253}$/, 'an address of this host, or a host name'),
    '127.0.0.1',
    'address on which the health server listens',
  ),
  MGM_SHUTDOWN_MS: variable(
    integer(500, 60_000),
    4000,
    'ms within which a stopping manager replies to the requests that it received',
  ),
});

/** The variables as a Markdown table: name, default, allowed values, meaning. */
export function configTable(): string {
  const rows = Object.entries(variables.shape).map(([name, schema]) => {
    const { preset, allowed, meaning, secret } = documented.get(schema) ?? undocumented(name);
    const orFile = secret ? `; or a file that holds it: \`${name}_FILE\`` : '';
    return `| \`${name}\` | ${preset} | ${allowed} | ${meaning}${orFile} |`;
  });
  return ['| Variable | Default | Allowed | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function undocumented(name: string): never {
  throw new Error(`${name} has no description`);
}

function ownName(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 48);
  return `${host}-${process.pid}`;
}
