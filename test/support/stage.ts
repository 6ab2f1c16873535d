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
import { connect, type NatsConnection } from '@mgm/nats';
import { afterAll, beforeAll, describe } from 'vitest';
import { RawRouter } from './raw-client.ts';

export interface StageOptions {
  /** Settings of the managers besides the addresses of the servers. */
  readonly env?: ManagerEnv;
  /** Over how many managers the tests run, one number after the other and growing. Default 1 and 3. */
  readonly replicas?: readonly number[];
}

/** What the tests of one file run on. Valid inside hooks and tests only. */
export interface Stage {
  readonly servers: TestServers;
  readonly managers: Managers;
  /** The connection that `router()` uses. */
  readonly nats: NatsConnection;
  /** What every subject of these managers begins with. */
  readonly prefix: string;
  /** How many managers serve. */
  readonly replicas: number;
  /** A router, by default one that nobody used before. */
  router(name?: string): RawRouter;
  /** One more connection, closed at the end of the file. */
  connect(): Promise<NatsConnection>;
}

/**
 * Declares the same tests once per number of managers: a client must not be able to tell one from three. Servers are
 * started once per file, managers are added from one round to the next; tests keep apart by their routers.
 */
export function overReplicas(
  declare: (stage: Stage, replicas: number) => void,
  { env = {}, replicas = [1, 3] }: StageOptions = {},
): void {
  const stage = new OpenedStage(env);
  beforeAll(() => stage.open());
  afterAll(() => stage.close());
  describe.each(replicas)('over %i manager(s)', (count) => {
    beforeAll(() => stage.growTo(count));
    declare(stage, count);
  });
}

class OpenedStage implements Stage {
  readonly #env: ManagerEnv;
  readonly #opened = new AsyncDisposableStack();
  #servers: TestServers | undefined;
  #managers: Managers | undefined;
  #nats: NatsConnection | undefined;
  #prefix = 'mgm.v1';

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

  get prefix(): string {
    return this.#prefix;
  }

  get replicas(): number {
    return this.managers.running.length;
  }

  async open(): Promise<void> {
    this.#servers = this.#opened.use(await startServers());
    const env: ManagerEnv = { ...namesOn(this.servers), ...this.#env };
    this.#prefix = env['MGM_PREFIX'] ?? this.#prefix;
    this.#managers = this.#opened.use(await startManagers(0, this.servers, env));
    this.#nats = await this.connect();
  }

  async growTo(count: number): Promise<void> {
    await this.managers.add(Math.max(0, count - this.replicas));
  }

  close(): Promise<void> {
    return this.#opened.disposeAsync();
  }

  router(name: string = newRouterName()): RawRouter {
    return new RawRouter(this.nats, name, this.prefix);
  }

  async connect(): Promise<NatsConnection> {
    const nats = await connect({ ...natsAccess(this.servers.nats.url), reconnect: false });
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
