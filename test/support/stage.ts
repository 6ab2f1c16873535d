import {
  type ManagerEnv,
  type Managers,
  natsAccess,
  newRouterName,
  ownNames,
  startManagers,
  startServers,
  type TestServers,
} from '@mgm/test-support';
import { startRedis } from '@mgm/devstack';
import { connect, type NatsConnection } from '@mgm/nats';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, inject, type TestContext } from 'vitest';
import { startAccounts, type AccountsServer, type User } from './accounts.ts';
import { RawRouter } from './raw-client.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Set by the project `accounts` of vitest.config.ts: managers identify their callers, which are NATS accounts. */
    accounts?: boolean;
  }
}

export interface StageOptions {
  /** Settings of the managers in addition to the addresses of the servers. */
  readonly env?: ManagerEnv;
  /** The numbers of managers that the tests run over, in ascending order. Default 1 and 3. */
  readonly replicas?: readonly number[];
}

/** The servers and managers of one test file. Valid inside hooks and tests only. */
export interface Stage {
  readonly servers: TestServers;
  readonly managers: Managers;
  /** The connection that `router()` uses. */
  readonly nats: NatsConnection;
  /** The connection for `admin.*` and `$SRV`: that of another user under accounts, else `nats`. */
  readonly operator: NatsConnection;
  /** The first tokens of every subject of these managers. */
  readonly prefix: string;
  /** The number of running managers. */
  readonly replicas: number;
  /** A router, by default a new one. */
  router(name?: string): RawRouter;
  /** One more connection, closed at the end of the file; under accounts of each worker's identity in turn. */
  connect(): Promise<NatsConnection>;
}

/** Permits the workers of deploy/nats/accounts.conf every router and client, and the operator what operators may do. */
const POLICY = fileURLToPath(new URL('accounts-policy.yaml', import.meta.url));
const WORKERS = ['pim1', 'dvmrp1', 'igmp1'] as const;

/**
 * Declares the same tests once per number of managers: a client must not notice the difference. Servers are started once
 * per file, and managers are added between the rounds. Each test uses a router of its own. Under accounts the tests run once,
 * over the largest number of managers.
 */
export function overReplicas(
  declare: (stage: Stage, replicas: number) => void,
  { env = {}, replicas = [1, 3] }: StageOptions = {},
): void {
  const stage = new OpenedStage(env);
  beforeAll(() => stage.open());
  afterAll(() => stage.close());
  const counts = isUnderAccounts() ? replicas.slice(-1) : replicas;
  describe.each(counts)('over %i manager(s)', (count) => {
    beforeAll(() => stage.growTo(count));
    declare(stage, count);
  });
}

/** Whether callers are NATS accounts in this run. */
export function isUnderAccounts(): boolean {
  return inject('accounts') === true;
}

/** Skips a test of something that accounts prevent. `why` says what prevents it. */
export function skipUnderAccounts(context: TestContext, why: string): void {
  context.skip(isUnderAccounts(), `under accounts: ${why}`);
}

class OpenedStage implements Stage {
  readonly #env: ManagerEnv;
  readonly #opened = new AsyncDisposableStack();
  #servers: TestServers | undefined;
  #accounts: AccountsServer | undefined;
  #managers: Managers | undefined;
  #nats: NatsConnection | undefined;
  #operator: NatsConnection | undefined;
  #prefix = 'mgm.v1';
  #connected = 0;

  constructor(env: ManagerEnv) {
    this.#env = env;
  }

  get servers(): TestServers {
    return present(this.#servers);
  }

  get managers(): Managers {
    return present(this.#managers);
  }

  get nats(): NatsConnection {
    return present(this.#nats);
  }

  get operator(): NatsConnection {
    return present(this.#operator);
  }

  get prefix(): string {
    return this.#prefix;
  }

  get replicas(): number {
    return this.managers.running.length;
  }

  async open(): Promise<void> {
    const env = isUnderAccounts() ? await this.#startWithAccounts() : await this.#start();
    this.#prefix = env['MGM_PREFIX'] ?? this.#prefix;
    const nats = { url: this.#accounts?.urlOf('manager') ?? this.servers.nats.url };
    const servers = { nats, redis: this.servers.redis };
    this.#managers = this.#opened.use(await startManagers(0, servers, env));
    this.#nats = await this.connect();
    this.#operator = this.#accounts ? await this.#connectAs('noc') : this.#nats;
  }

  /** Servers where every program is the same user. Returns the settings of managers. */
  async #start(): Promise<ManagerEnv> {
    this.#servers = this.#opened.use(await startServers());
    return { ...namesOn(this.servers), ...this.#env };
  }

  async #startWithAccounts(): Promise<ManagerEnv> {
    const choice = inject('servers');
    const { MGM_PREFIX: prefix = this.#prefix } = this.#env;
    const redis = this.#opened.use(await startRedis(choice));
    const accounts = await startAccounts(choice, { prefix, everyRouter: true });
    this.#accounts = this.#opened.use(accounts);
    const dispose = (): Promise<void> => this.#opened.disposeAsync();
    this.#servers = { redis, nats: accounts.server, [Symbol.asyncDispose]: dispose };
    const identity = { MGM_IDENTITY: 'subject', MGM_POLICY_FILE: POLICY };
    return { ...identity, ...this.#env };
  }

  async growTo(count: number): Promise<void> {
    await this.managers.add(Math.max(0, count - this.replicas));
  }

  close(): Promise<void> {
    return this.#opened.disposeAsync();
  }

  router(name: string = newRouterName()): RawRouter {
    return new RawRouter(this.nats, name, this.prefix, this.operator);
  }

  connect(): Promise<NatsConnection> {
    return this.#connectAs(WORKERS[this.#connected++ % WORKERS.length] ?? 'pim1');
  }

  async #connectAs(user: User): Promise<NatsConnection> {
    const url = this.#accounts?.urlOf(user) ?? this.servers.nats.url;
    const nats = await connect({ ...natsAccess(url), reconnect: false });
    this.#opened.defer(() => nats.close());
    return nats;
  }
}

/** On shared servers managers of other runs may serve, so these get names of their own. */
function namesOn({ nats }: TestServers): ManagerEnv {
  return nats.source === 'urls' ? ownNames() : {};
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the stage is open inside hooks and tests only');
  return value;
}
