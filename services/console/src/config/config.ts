import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import type { ConnectOptions } from '@mgm/client';
import { readPasswords, type Passwords } from './passwords.ts';
import { variables, type Variable } from './variables.ts';

/** A configuration that was refused. `message` has one line per problem and no value that may be secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * How users are told apart. `none`: on loopback only, requests act as `actor`. `basic`: by user and password. `proxy`: by a
 * header, from these addresses only.
 */
export type Access =
  | { readonly kind: 'none'; readonly actor: string }
  | { readonly kind: 'basic'; readonly passwords: Passwords }
  | { readonly kind: 'proxy'; readonly header: string; readonly proxies: BlockList };

/** A complete, checked configuration. */
export interface Config {
  /** How to reach the managers; the router is added for each client. */
  readonly nats: Omit<ConnectOptions, 'router'>;
  /** The router that is shown first; `''` for the first one found. */
  readonly router: string;
  readonly host: string;
  readonly port: number;
  readonly access: Access;
  /** `''`: the origin follows from the Host header. */
  readonly origin: string;
  readonly streamsMax: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from an environment.
 *
 * @param user the user of this machine, who is the actor without authentication
 * @throws {ConfigError} with a line for each wrong value and each unknown `MGM_CONSOLE_*` name
 */
export function loadConfig(env: Env, user: string): Config {
  const reader = new Reader(env);
  const config = configOf(reader, user);
  const problems = [...reader.problems, ...unknownNames(env)];
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function configOf(reader: Reader, user: string): Config {
  const file = (name: 'CREDS' | 'NKEY_FILE' | 'CERT' | 'KEY' | 'CA') =>
    reader.value(`MGM_NATS_${name}`) || undefined;
  const host = reader.value('MGM_CONSOLE_HOST');
  return {
    nats: {
      servers: reader.value('MGM_NATS_URL'),
      prefix: reader.value('MGM_PREFIX'),
      credsFile: file('CREDS'),
      nkeyFile: file('NKEY_FILE'),
      certFile: file('CERT'),
      keyFile: file('KEY'),
      caFile: file('CA'),
      name: 'mgm-console',
    },
    router: reader.value('MGM_ROUTER'),
    host,
    port: reader.value('MGM_CONSOLE_PORT'),
    access: accessOf(reader, host, user),
    origin: reader.value('MGM_CONSOLE_ORIGIN'),
    streamsMax: reader.value('MGM_CONSOLE_STREAMS_MAX'),
  };
}

function accessOf(reader: Reader, host: string, user: string): Access {
  const passwordFile = reader.value('MGM_CONSOLE_PASSWORD_FILE');
  const header = reader.value('MGM_CONSOLE_USER_HEADER').toLowerCase();
  const addresses = reader.value('MGM_CONSOLE_PROXIES');
  if (passwordFile !== '' && header !== '') {
    reader.problem(
      'MGM_CONSOLE_USER_HEADER: must be left out together with MGM_CONSOLE_PASSWORD_FILE',
    );
  }
  if ((header === '') !== (addresses.length === 0)) {
    reader.problem('MGM_CONSOLE_PROXIES: must be set together with MGM_CONSOLE_USER_HEADER');
  }
  if (passwordFile !== '') return { kind: 'basic', passwords: passwordsIn(reader, passwordFile) };
  if (header !== '') return { kind: 'proxy', header, proxies: blockListOf(reader, addresses) };
  if (!isLoopback(host)) {
    reader.problem(
      `MGM_CONSOLE_HOST=${host}: must be a loopback address (127.0.0.1, ::1, localhost) without authentication; ` +
        'set MGM_CONSOLE_PASSWORD_FILE, or MGM_CONSOLE_USER_HEADER and MGM_CONSOLE_PROXIES',
    );
  }
  return { kind: 'none', actor: user };
}

function passwordsIn(reader: Reader, path: string): Passwords {
  try {
    return readPasswords(readFileSync(path, 'utf8'));
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error
        ? `cannot be read (${String(error.code)})`
        : messageOf(error);
    reader.problem(`MGM_CONSOLE_PASSWORD_FILE=${path}: ${why}`);
    return new Map();
  }
}

function blockListOf(reader: Reader, addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const one of addresses) {
    const [address = '', bits] = one.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const most = family === 'ipv6' ? 128 : 32;
    const isNetwork = bits !== undefined;
    const size = isNetwork && /^[0-9]{1,3}$/.test(bits) ? Number(bits) : most;
    if (isIP(address) === 0 || size > most || (isNetwork && String(size) !== bits)) {
      reader.problem(
        `MGM_CONSOLE_PROXIES=${addresses.join(',')}: must be ${variables.MGM_CONSOLE_PROXIES.allowed}`,
      );
      return list;
    }
    list.addSubnet(address, size, family);
  }
  return list;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a host name or address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version !== 0 && LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

type Name = keyof typeof variables;
type ValueOf<Of extends Name> =
  (typeof variables)[Of] extends Variable<infer Value> ? Value : never;

/** Reads single variables and collects what is wrong with them. */
class Reader {
  readonly problems: string[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  problem(line: string): void {
    this.problems.push(line);
  }

  /** The value of a variable; its default if it is absent or wrong. */
  value<Of extends Name>(name: Of): ValueOf<Of>;
  value(name: Name): unknown {
    const variable: Variable<unknown> = variables[name];
    const given = this.#textOf(name, variable.secret === true);
    if (given === undefined) return variable.preset;
    try {
      if (given === '') throw new RangeError('is empty; leave it out for the default');
      return variable.read(given);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const shown = variable.secret === true ? name : `${name}=${given}`;
      this.problem(`${shown}: ${error.message}`);
      return variable.preset;
    }
  }

  #textOf(name: Name, isSecret: boolean): string | undefined {
    const given = this.#env[name];
    const path = isSecret ? this.#env[`${name}_FILE`] : undefined;
    if (path === undefined) return given;
    if (given !== undefined) this.problem(`${name}_FILE: must not be set together with ${name}`);
    try {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      this.problem(`${name}_FILE=${path}: cannot be read (${why})`);
      return undefined;
    }
  }
}

/** Variables of managers and mgmctl may be in the same environment, so only those that are the console's own are checked. */
function unknownNames(env: Env): string[] {
  const wrong = Object.keys(env).filter(
    (name) => name.startsWith('MGM_CONSOLE_') && !Object.hasOwn(variables, name),
  );
  return wrong.map((name) => `${name}: is not a variable of the console; --help lists them`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
