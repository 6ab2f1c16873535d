import type { RouterName } from '@mgm/protocol';
import type { Durability } from '@mgm/store';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { documented } from './config-values.ts';
import { nearestName } from './nearest-name.ts';
import { withSecretFiles } from './secret-files.ts';
import { withoutSecrets } from '@mgm/protocol';
import { variables } from './variables.ts';

type Values = z.output<typeof variables>;
type VariableName = keyof Values;

/** A complete, checked configuration. Durations are in milliseconds. */
export interface Config {
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly keyPrefix: string;
  /** The routers to serve; none means all. */
  readonly routers: readonly RouterName[];
  readonly name: string;
  readonly logLevel: Values['MGM_LOG_LEVEL'];
  readonly batchMax: number;
  readonly queueMax: number;
  readonly storeTimeoutMs: number;
  readonly durability: Durability;
  readonly sweepEveryMs: number;
  readonly headEveryMs: number;
  readonly eventRetention: number;
  /** 0: no health server. */
  readonly healthPort: number;
  readonly healthHost: string;
  readonly shutdownMs: number;
}

/** What holds between variables, checked when each of them is right by itself. */
const CROSS_CHECKS: readonly {
  readonly names: readonly [VariableName, VariableName];
  readonly holds: (values: Values) => boolean;
  readonly must: string;
}[] = [
  {
    names: ['MGM_QUEUE_MAX', 'MGM_BATCH_MAX'],
    holds: (values) => values.MGM_QUEUE_MAX >= values.MGM_BATCH_MAX,
    must: 'be at least MGM_BATCH_MAX',
  },
  {
    names: ['MGM_SHUTDOWN_MS', 'MGM_STORE_TIMEOUT_MS'],
    holds: (values) => values.MGM_SHUTDOWN_MS >= values.MGM_STORE_TIMEOUT_MS + 100,
    must: 'be at least 100 more than MGM_STORE_TIMEOUT_MS, so that decisions under way are answered',
  },
  {
    names: ['MGM_REPLICATION_TIMEOUT_MS', 'MGM_STORE_TIMEOUT_MS'],
    holds: (values) =>
      values.MGM_DURABILITY !== 'replicated' ||
      values.MGM_STORE_TIMEOUT_MS >= values.MGM_REPLICATION_TIMEOUT_MS + 50,
    must: 'be at least 50 less than MGM_STORE_TIMEOUT_MS, so that replicas that are late are told from a store that hangs',
  },
];

/** Variables of the project's own tests and start scripts: not read here, and no typing errors either. */
const READ_ELSEWHERE: readonly string[] = ['MGM_SERVERS', 'MGM_TEST_SOURCES'];

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment given. Wrong values and unknown `MGM_*` names are refused, never mended: throws
 * {@link ConfigError} with a line for each. `MGM_NATS_URL_FILE` and `MGM_REDIS_URL_FILE` name files to read instead.
 */
export function loadConfig(env: Env): Config {
  const given = Object.entries(env).filter(([name]) => name.startsWith('MGM_'));
  const { values, problems } = withSecretFiles(Object.fromEntries(given), secretNames());
  const known = [...Object.keys(variables.shape), ...READ_ELSEWHERE];
  const unknown = Object.keys(values).filter((name) => !known.includes(name));
  const parsed = parse(values);
  const all = [...problems, ...unknown.map((name) => unknownName(name, known)), ...parsed.problems];
  if (all.length > 0) throw new ConfigError(all);
  return Object.freeze(configOf(parsed.values));
}

/** The configuration as it may be logged. */
export function loggable(config: Config): Config {
  const { natsUrl, redisUrl: url } = config;
  return { ...config, natsUrl: withoutSecrets(natsUrl), redisUrl: withoutSecrets(url) };
}

function parse(env: Env): { values: Values; problems: string[] } {
  const parsed = variables.safeParse(env);
  if (parsed.success) return { values: parsed.data, problems: crossProblems(parsed.data, env) };
  const wrong = new Map(parsed.error.issues.map(({ path, message }) => [String(path[0]), message]));
  const right = Object.entries(env).filter(([name]) => !wrong.has(name));
  const values = variables.parse(Object.fromEntries(right));
  const problems = [...wrong].map(([name, message]) => `${assignment(name, env)}: ${message}`);
  return { values, problems: [...problems, ...crossProblems(values, env, wrong)] };
}

function crossProblems(
  values: Values,
  env: Env,
  wrong: ReadonlyMap<string, string> = new Map(),
): string[] {
  return CROSS_CHECKS.filter(
    ({ names, holds }) => !names.some((name) => wrong.has(name)) && !holds(values),
  ).map(({ names: [name], must }) => `${assignment(name, env, values[name])}: must ${must}`);
}

/** `NAME=value`, or the name alone where the value may be a secret. */
function assignment(name: string, env: Env, preset?: unknown): string {
  return secretNames().includes(name) ? name : `${name}=${env[name] ?? String(preset)}`;
}

function secretNames(): string[] {
  return Object.entries(variables.shape).flatMap(([name, schema]) =>
    documented.get(schema)?.secret === true ? [name] : [],
  );
}

function unknownName(name: string, known: readonly string[]): string {
  const near = nearestName(name, [...known, ...secretNames().map((secret) => `${secret}_FILE`)]);
  return `${name}: is not a variable of the manager${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function configOf(values: Values): Config {
  return {
    natsUrl: values.MGM_NATS_URL,
    redisUrl: values.MGM_REDIS_URL,
    prefix: values.MGM_PREFIX,
    keyPrefix: values.MGM_KEY_PREFIX,
    routers: Object.freeze([...new Set(values.MGM_ROUTERS)]),
    name: values.MGM_NAME,
    logLevel: values.MGM_LOG_LEVEL,
    batchMax: values.MGM_BATCH_MAX,
    queueMax: values.MGM_QUEUE_MAX,
    storeTimeoutMs: values.MGM_STORE_TIMEOUT_MS,
    durability: durabilityOf(values),
    sweepEveryMs: values.MGM_SWEEP_EVERY_MS,
    headEveryMs: values.MGM_HEAD_EVERY_MS,
    eventRetention: values.MGM_EVENT_RETENTION,
    healthPort: values.MGM_HEALTH_PORT,
    healthHost: values.MGM_HEALTH_HOST,
    shutdownMs: values.MGM_SHUTDOWN_MS,
  };
}

function durabilityOf(values: Values): Durability {
  const mode = values.MGM_DURABILITY;
  if (mode !== 'replicated') return { mode };
  const { MGM_REPLICAS: replicas, MGM_REPLICATION_TIMEOUT_MS: withinMs } = values;
  return { mode, replicas, withinMs };
}
