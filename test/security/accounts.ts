import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNats, type RunningServer, type ServersChoice } from '@mgm/devstack';
import { connect, type NatsConnection } from '@mgm/nats';

const CONF = fileURLToPath(new URL('../../deploy/nats/accounts.conf', import.meta.url));

/** The users of deploy/nats/accounts.conf. */
export const USERS = ['manager', 'pim1', 'dvmrp1', 'igmp1', 'noc'] as const;
export type User = (typeof USERS)[number];

/** A NATS server with the accounts that the project ships, and passwords of this run. */
export interface AccountsServer extends AsyncDisposable {
  /** With user and password. */
  urlOf(user: User): string;
  connect(user: User): Promise<NatsConnection>;
}

export async function startAccounts(choice: ServersChoice): Promise<AccountsServer> {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-accounts-'));
  const passwords = new Map(USERS.map((user) => [user, randomBytes(12).toString('hex')]));
  const variables = [...passwords].map(
    ([user, password]) => `${user.toUpperCase()}_PASSWORD: "${password}"`,
  );
  await writeFile(join(dir, 'passwords.conf'), `${variables.join('\n')}\n`, { mode: 0o600 });
  await copyFile(CONF, join(dir, 'accounts.conf'));
  const nats = await startNats(choice, { args: ['-c', join(dir, 'accounts.conf')] });
  return new Accounts(nats, passwords, dir);
}

class Accounts implements AccountsServer {
  readonly #nats: RunningServer;
  readonly #passwords: ReadonlyMap<User, string>;
  readonly #dir: string;

  constructor(nats: RunningServer, passwords: ReadonlyMap<User, string>, dir: string) {
    this.#nats = nats;
    this.#passwords = passwords;
    this.#dir = dir;
  }

  urlOf(user: User): string {
    return this.#nats.url.replace('nats://', `nats://${user}:${this.#passwordOf(user)}@`);
  }

  connect(user: User): Promise<NatsConnection> {
    const servers = this.#nats.url.replace('nats://', '');
    return connect({ servers, user, pass: this.#passwordOf(user) });
  }

  #passwordOf(user: User): string {
    return this.#passwords.get(user) ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nats.stop();
    await rm(this.#dir, { recursive: true });
  }
}
