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
  /** The first tokens of every subject of these managers. */
  readonly prefix: string;
  /** The number of running managers. */
  readonly replicas: number;
  /** A router, by default a new one. */
  router(name?: string): RawRouter;
  /** One more connection, closed at the end of the file. */
  connect(): Promise<NatsConnection>;
}

/** The longest store timeout: on a busy machine a request is slow and not refused as `unavailable`. */
const PATIENT: ManagerEnv = { MGM_STORE_TIMEOUT_MS: '2000' };

/**
 * Declares the same tests once per number of managers: a client must not notice the difference. Servers are started once
 * per file, and managers are added between the rounds. Each test uses a router of its own.
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
    const env: ManagerEnv = { ...PATIENT, ...namesOn(this.servers), ...this.#env };
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
