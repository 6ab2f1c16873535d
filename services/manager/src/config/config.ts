import { readFileSync } from 'node:fs';
import type { CredentialFiles } from '@mgm/nats';
import { withoutSecrets, type RouterName } from '@mgm/protocol';
import { parseRedisUrl, type Durability } from '@mgm/store';
import type { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { natsFilesOf, redisFilesOf } from './files.ts';
import { documented } from './values.ts';
import { variables } from './variables.ts';

type Values = z.output<typeof variables>;
type VariableName = keyof Values;

/** A complete, checked configuration. Durations are in milliseconds. */
export interface Config {
  readonly natsUrl: string;
  /** Files that prove to NATS who connects, and which authorities to trust. */
  readonly natsFiles: CredentialFiles;
  readonly redisUrl: string;
  /** A TLS client certificate, its key, and authorities for Redis. */
  readonly redisFiles: CredentialFiles;
  /** Of the sentinels themselves; `''` for none. */
  readonly redisSentinelPassword: string;
  readonly prefix: string;
  readonly keyPrefix: string;
  /** Whether NATS vouches for the sender of each request in its subject. */
  readonly isIdentified: boolean;
  /** Path of the policy; `''` permits everything but to take over sessions of other identities. */
  readonly policyFile: string;
  /** The routers to serve; empty means all. */
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
  readonly retentionMs: number;
  readonly operatorEventsMax: number;
  readonly operatorRetentionMs: number;
  readonly routersMax: number;
  readonly sessionsMax: number;
  readonly entriesMax: number;
  readonly routesMax: number;
  readonly mfesMax: number;
  readonly interfacesMax: number;
  /** 0: no health server. */
  readonly healthPort: number;
  readonly healthHost: string;
  readonly shutdownMs: number;
}

/** Conditions on two variables, checked when both are valid by themselves. */
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
    names: ['MGM_POLICY_FILE', 'MGM_IDENTITY'],
    holds: (values) => values.MGM_POLICY_FILE === '' || values.MGM_IDENTITY === 'subject',
    must: 'be left out unless MGM_IDENTITY is subject, since a policy is about identities',
  },
  {
    names: ['MGM_REDIS_CERT', 'MGM_REDIS_URL'],
    holds: (values) => values.MGM_REDIS_CERT === '' || parseRedisUrl(values.MGM_REDIS_URL).tls,
    must: 'be left out unless MGM_REDIS_URL is rediss, rediss-sentinel or rediss-cluster',
  },
  {
    names: ['MGM_REDIS_KEY', 'MGM_REDIS_URL'],
    holds: (values) => values.MGM_REDIS_KEY === '' || parseRedisUrl(values.MGM_REDIS_URL).tls,
    must: 'be left out unless MGM_REDIS_URL is rediss, rediss-sentinel or rediss-cluster',
  },
  {
    names: ['MGM_REDIS_CA', 'MGM_REDIS_URL'],
    holds: (values) => values.MGM_REDIS_CA === '' || parseRedisUrl(values.MGM_REDIS_URL).tls,
    must: 'be left out unless MGM_REDIS_URL is rediss, rediss-sentinel or rediss-cluster',
  },
  {
    names: ['MGM_REDIS_SENTINEL_PASSWORD', 'MGM_REDIS_URL'],
    holds: (values) =>
      values.MGM_REDIS_SENTINEL_PASSWORD === '' ||
      parseRedisUrl(values.MGM_REDIS_URL).kind === 'sentinel',
    must: 'be left out unless MGM_REDIS_URL names sentinels',
  },
  {
    names: ['MGM_SHUTDOWN_MS', 'MGM_STORE_TIMEOUT_MS'],
    holds: (values) => values.MGM_SHUTDOWN_MS >= values.MGM_STORE_TIMEOUT_MS + 100,
    must: 'be at least 100 more than MGM_STORE_TIMEOUT_MS, so that pending requests get their replies',
  },
  {
    names: ['MGM_REPLICATION_TIMEOUT_MS', 'MGM_STORE_TIMEOUT_MS'],
    holds: (values) =>
      values.MGM_DURABILITY !== 'replicated' ||
      values.MGM_STORE_TIMEOUT_MS >= values.MGM_REPLICATION_TIMEOUT_MS + 50,
    must: 'be at least 50 less than MGM_STORE_TIMEOUT_MS, so that late replicas can be distinguished from a store that hangs',
  },
];

/** Variables of the project's tests and start scripts: not read here, and not reported as unknown. */
const READ_ELSEWHERE: readonly string[] = ['MGM_SERVERS', 'MGM_TEST_SOURCES'];

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from an environment. Throws {@link ConfigError} with a line for each wrong value and each unknown
 * `MGM_*` name; nothing is clamped. `MGM_NATS_URL_FILE` and `MGM_REDIS_URL_FILE` name files to read the values from.
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
  const { natsUrl, redisUrl, redisSentinelPassword } = config;
  return {
    ...config,
    natsUrl: withoutSecrets(natsUrl),
    redisUrl: withoutSecrets(redisUrl),
    redisSentinelPassword: redisSentinelPassword && '***',
  };
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

/** `NAME=value`, or the name alone if the value may be a secret. */
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
    natsFiles: natsFilesOf(values),
    redisUrl: values.MGM_REDIS_URL,
    redisFiles: redisFilesOf(values),
    redisSentinelPassword: values.MGM_REDIS_SENTINEL_PASSWORD,
    prefix: values.MGM_PREFIX,
    keyPrefix: values.MGM_KEY_PREFIX,
    isIdentified: values.MGM_IDENTITY === 'subject',
    policyFile: values.MGM_POLICY_FILE,
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
    retentionMs: values.MGM_RETENTION_MS,
    operatorEventsMax: values.MGM_OPERATOR_EVENTS,
    operatorRetentionMs: values.MGM_OPERATOR_RETENTION_MS,
    routersMax: values.MGM_ROUTERS_MAX,
    sessionsMax: values.MGM_SESSIONS_MAX,
    entriesMax: values.MGM_ENTRIES_MAX,
    routesMax: values.MGM_ROUTES_MAX,
    mfesMax: values.MGM_MFES_MAX,
    interfacesMax: values.MGM_INTERFACES_MAX,
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

/**
 * Replaces `<NAME>_FILE` by `<NAME>` with the content of the file, without the final line break, for each name given. A
 * variable that is set both ways, and a file that cannot be read, are problems.
 */
function withSecretFiles(
  env: Env,
  names: readonly string[],
): { values: Record<string, string | undefined>; problems: string[] } {
  const values = { ...env };
  const problems: string[] = [];
  for (const name of names) {
    const fileVariable = `${name}_FILE`;
    const path = values[fileVariable];
    delete values[fileVariable];
    if (path === undefined) continue;
    if (values[name] !== undefined)
      problems.push(`${fileVariable}: must not be set together with ${name}`);
    const file = readText(path);
    if (file.kind === 'text') values[name] = file.text;
    else problems.push(`${fileVariable}=${path}: cannot be read (${file.why})`);
  }
  return { values, problems };
}

function readText(
  path: string,
): { kind: 'text'; text: string } | { kind: 'unreadable'; why: string } {
  try {
    return { kind: 'text', text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error;
    return { kind: 'unreadable', why: String(why) };
  }
}

/** How many changed, missing or extra characters still count as a typing error. */
const TYPING_ERRORS_MAX = 4;

/** The known name that was most likely meant; `undefined` when none is close enough to suggest. */
function nearestName(wrong: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, errors: editDistance(wrong, name) }))
    .sort((a, b) => a.errors - b.errors);
  return best !== undefined && best.errors <= TYPING_ERRORS_MAX ? best.name : undefined;
}

/** Levenshtein distance: insertions, deletions and replacements. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let at = 0; at < to.length; at++) {
      const replaced = (row[at] ?? 0) + (letter === to[at] ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
