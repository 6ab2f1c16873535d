import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNats, type NatsOptions, type RunningServer, type ServersChoice } from '@mgm/devstack';
import { connect, type NatsConnection } from '@mgm/nats';

const CONF = fileURLToPath(new URL('../../deploy/nats/accounts.conf', import.meta.url));

/** The users of deploy/nats/accounts.conf. */
export const USERS = ['manager', 'pim1', 'dvmrp1', 'igmp1', 'noc'] as const;
export type User = (typeof USERS)[number];

/** How a server differs from the shipped configuration. */
export interface AccountsOptions {
  /** The prefix of all subjects. Default: `mgm.v1` */
  readonly prefix?: string;
  /** The workers serve every router instead of r1. Default: false */
  readonly everyRouter?: boolean;
}

/** A NATS server with the accounts that the project ships, and passwords of this run. */
export interface AccountsServer extends AsyncDisposable {
  readonly server: RunningServer;
  /** With user and password. */
  urlOf(user: User): string;
  connect(user: User): Promise<NatsConnection>;
}

export async function startAccounts(
  choice: ServersChoice,
  { prefix = 'mgm.v1', everyRouter = false }: AccountsOptions = {},
): Promise<AccountsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-accounts-'));
  const passwords = new Map(USERS.map((user) => [user, randomBytes(12).toString('hex')]));
  const variables = [...passwords].map(
    ([user, password]) => `${user.toUpperCase()}_PASSWORD: "${password}"`,
  );
  await writeFile(join(dir, 'passwords.conf'), `${variables.join('\n')}\n`, { mode: 0o600 });
  const shipped = await readFile(CONF, 'utf8');
  const routed = everyRouter ? shipped.replaceAll('mgm.v1.r1.', 'mgm.v1.*.') : shipped;
  await writeFile(join(dir, 'accounts.conf'), routed.replaceAll('mgm.v1.', `${prefix}.`));
  const nats = await startNats(choice, configuredBy(choice, dir, 'accounts.conf'));
  return new Accounts(nats, passwords, dir);
}

/** Options of a NATS server whose configuration is in a folder, which a container sees as its data folder. */
export function configuredBy(choice: ServersChoice, dir: string, file: string): NatsOptions {
  const seen = choice.nats.kind === 'docker' ? '/data' : dir;
  return { dataDir: dir, args: ['-c', join(seen, file)] };
}

class Accounts implements AccountsServer {
  readonly server: RunningServer;
  readonly #passwords: ReadonlyMap<User, string>;
  readonly #dir: string;

  constructor(server: RunningServer, passwords: ReadonlyMap<User, string>, dir: string) {
    this.server = server;
    this.#passwords = passwords;
    this.#dir = dir;
  }

  urlOf(user: User): string {
    return this.server.url.replace('nats://', `nats://${user}:${this.#passwordOf(user)}@`);
  }

  connect(user: User): Promise<NatsConnection> {
    const servers = this.server.url.replace('nats://', '');
    return connect({ servers, user, pass: this.#passwordOf(user) });
  }

  #passwordOf(user: User): string {
    return this.#passwords.get(user) ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await rm(this.#dir, { recursive: true });
  }
}
