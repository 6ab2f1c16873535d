import { hostname } from 'node:os';
import { DEFAULT_PREFIX } from '@mgm/protocol';
import type { DurabilityMode } from '@mgm/store';
import { z } from 'zod';
import {
  integer,
  matching,
  natsUrls,
  oneOf,
  redisUrl,
  routerNames,
  subjectPrefix,
  variable,
} from './config-values.ts';

/** As pino names them. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** As the store has them. */
const DURABILITY_MODES = ['memory', 'durable', 'replicated'] as const satisfies DurabilityMode[];

/** Every variable that a manager reads. Names, ranges, defaults and meanings stand here and nowhere else. */
export const variables = z.object({
  MGM_NATS_URL: variable(natsUrls, 'nats://127.0.0.1:4222', 'NATS servers'),
  MGM_REDIS_URL: variable(redisUrl, 'redis://127.0.0.1:6379', 'the Redis that holds all state'),
  MGM_PREFIX: variable(subjectPrefix, DEFAULT_PREFIX, 'what every subject begins with'),
  MGM_KEY_PREFIX: variable(
    matching(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -'),
    'mgm',
    'what every Redis key begins with',
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
  MGM_LOG_LEVEL: variable(oneOf(LOG_LEVELS), 'info', 'the least important lines to log'),
  MGM_BATCH_MAX: variable(
    integer(1, 1024),
    256,
    'operations decided in one script call, weighted by interfaces',
  ),
  MGM_QUEUE_MAX: variable(
    integer(1, 1_000_000),
    10_000,
    'operations that may wait for a decision, shared fairly by routers and sessions; more are refused as `overloaded`',
  ),
  MGM_STORE_TIMEOUT_MS: variable(
    integer(50, 2000),
    300,
    'ms within which a decision is answered, also when Redis hangs',
  ),
  MGM_DURABILITY: variable(
    oneOf(DURABILITY_MODES),
    'memory',
    'what an answered change has survived; see [durability](durability.md)',
  ),
  MGM_REPLICAS: variable(
    integer(1, 100),
    1,
    'replicas that must have a change before it is answered; of `MGM_DURABILITY=replicated`',
  ),
  MGM_REPLICATION_TIMEOUT_MS: variable(
    integer(10, 1000),
    200,
    'ms that replicas have for it; then the outcome is unknown',
  ),
  MGM_SWEEP_EVERY_MS: variable(
    integer(50, 500),
    250,
    'ms between looks for leases that ran out, per router',
  ),
  MGM_HEAD_EVERY_MS: variable(
    integer(100, 1000),
    1000,
    'ms within which each router with live sessions has a `head` message',
  ),
  MGM_EVENT_RETENTION: variable(
    integer(1000, 10_000_000),
    100_000,
    'events kept per router for watchers that missed some',
  ),
  MGM_HEALTH_PORT: variable(
    integer(0, 65_535),
    0,
    'port of `/livez`, `/readyz` and `/metrics`; 0: no health server',
  ),
  MGM_HEALTH_HOST: variable(
    matching(/^[A-Za-z0-9.:_-]{1,253}$/, 'an address of this host, or a name of one'),
    '127.0.0.1',
    'address that the health server listens on',
  ),
  MGM_SHUTDOWN_MS: variable(
    integer(500, 60_000),
    4000,
    'ms that a stopping manager has to answer what it took',
  ),
});

function ownName(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 48);
  return `${host}-${process.pid}`;
}
