import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GlobalOptions } from './connection.ts';
import { UsageError } from './exit-code.ts';
import type { Io } from './io.ts';
import { loginIn } from './login-variables.ts';

/** Options that prove the user, or belong to its permissions. */
export const LOGIN_OPTIONS = [
  'creds',
  'nkey',
  'tlsCert',
  'tlsKey',
  'tlsCa',
  'inboxPrefix',
] as const;
const STORED_OPTIONS = ['nats', 'router', 'prefix', ...LOGIN_OPTIONS] as const;

/** Options kept under a name. The URL may contain a password; of credentials files it has the paths. */
export type StoredContext = { readonly [Name in (typeof STORED_OPTIONS)[number]]?: string };

/** All stored contexts. */
export interface Contexts {
  /** The one that is used by default. */
  readonly current?: string;
  readonly contexts: Readonly<Record<string, StoredContext>>;
}

type Env = Io['env'];

/** The file of the contexts, which only its owner may read. */
function fileOf(env: Env): string {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(config, 'mgmctl', 'contexts.json');
}

/** The stored contexts; none if there is no file. @throws UsageError if the file is damaged */
export function readContexts(env: Env): Contexts {
  const file = fileOf(env);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { contexts: {} };
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parse(text) ?? damaged(file);
}

function damaged(file: string): never {
  throw new UsageError(`${file} is damaged: correct or remove it`);
}

function parse(text: string): Contexts | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !isRecord(value['contexts'])) return undefined;
    const entries = Object.entries(value['contexts']).map(
      ([name, stored]): [string, StoredContext] => {
        const fields = isRecord(stored) ? stored : {};
        return [name, pick(fields, STORED_OPTIONS)];
      },
    );
    return { ...pick(value, ['current']), contexts: Object.fromEntries<StoredContext>(entries) };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The named fields that are texts. */
function pick(fields: Record<string, unknown>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = fields[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

/** Replaces the file, readable by its owner alone. */
export function writeContexts(env: Env, contexts: Contexts): void {
  const file = fileOf(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const replacement = `${file}.${process.pid}`;
  writeFileSync(replacement, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 });
  renameSync(replacement, file);
}

/**
 * The options with those of the environment and of a context added: options of the command line come first, then the context
 * named by `--context`, the environment, and the current context. Credentials of a context are used for its own servers only,
 * and those of the environment never for the servers of a context named by `--context`.
 *
 * @throws UsageError for an unknown context
 */
export function withContext(options: GlobalOptions, env: Env): GlobalOptions {
  const { current, contexts } = readContexts(env);
  const name = options.context ?? current;
  if (name === undefined) return withLogin(options, loginIn(env));
  const stored = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (!stored) throw new UsageError(`no context ${JSON.stringify(name)}: see mgmctl context list`);
  const isNamed = options.context !== undefined;
  const nats = isNamed || !env['MGM_NATS_URL'] ? stored.nats : undefined;
  const router = isNamed || !env['MGM_ROUTER'] ? stored.router : undefined;
  const usesItsServers = options.nats === undefined && nats !== undefined;
  const ofContext = stored.nats === undefined || usesItsServers ? stored : {};
  const ofEnv = isNamed && usesItsServers ? {} : loginIn(env);
  const [first, second] = isNamed ? [ofContext, ofEnv] : [ofEnv, ofContext];
  return {
    ...withLogin(withLogin(options, first), second),
    ...(options.nats === undefined && nats !== undefined && { nats }),
    ...(options.router === undefined && router !== undefined && { router }),
    ...(options.prefix === undefined && stored.prefix !== undefined && { prefix: stored.prefix }),
  };
}

/** Adds login options that are not given. A given file replaces one of the other kind, too. */
function withLogin(given: GlobalOptions, added: StoredContext): GlobalOptions {
  const { creds, nkey, tlsCert, tlsKey, tlsCa, inboxPrefix } = added;
  const hasLogin = given.creds !== undefined || given.nkey !== undefined;
  const hasCertificate = given.tlsCert !== undefined || given.tlsKey !== undefined;
  return {
    ...(!hasLogin && creds !== undefined && { creds }),
    ...(!hasLogin && nkey !== undefined && { nkey }),
    ...(!hasCertificate && tlsCert !== undefined && { tlsCert }),
    ...(!hasCertificate && tlsKey !== undefined && { tlsKey }),
    ...(tlsCa !== undefined && { tlsCa }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...given,
  };
}
