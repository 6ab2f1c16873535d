import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type EventMessage, type Mgm, type Session, type SessionId } from '@mgm/client';
import {
  startNats,
  startRedis,
  type Program,
  type RunningServer,
  type ServersChoice,
} from '@mgm/devstack';
import { managerProgram, type ManagerEnv } from './manager.ts';
import { serversFor, type ServersOption } from './servers.ts';
import { openWorker, type TestWorker, type WorkerOptions } from './worker.ts';

const MANAGERS_MAX = 16;
/** How long a test waits for what the lease of a session and the managers' sweeps decide, beyond the lease. */
const SWEEP_WITHIN_MS = 5_000;
/** How long to wait for managers after a loss of the store's data. */
const SERVE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;
const ACTOR = '@mgm/testing';

/** What a test router consists of. */
export interface RouterOptions {
  /** How many managers: 0 to 16. Default 1. */
  readonly managers?: number;
  /** The name of the router: 1 to 64 of A-Z a-z 0-9 _ -. Default: a name that no other test uses. */
  readonly router?: string;
  /** Settings of the managers by their names in the environment, `MGM_…`. */
  readonly env?: ManagerEnv;
  /**
   * Where Redis and NATS come from. Default: `MGM_SERVERS` of the environment (`docker` or `process`), else containers if a
   * Docker engine answers and has the images, and otherwise processes.
   */
  readonly servers?: ServersOption;
}

/** A manager of a test router, in a process of its own. */
export interface TestManager {
  readonly pid: number;
  /** Stops the process: its connections stay open and it replies to nothing until `resume`. */
  pause(): void;
  /** Continues a paused process. */
  resume(): void;
  /** Ends it as a crash would. Resolves when it has ended. */
  kill(): Promise<void>;
  /** Ends it as a crash would, if it runs, and starts it again. Resolves when it serves. */
  restart(): Promise<void>;
  /** The last part of its log, JSON lines, and of its error output. */
  output(): string;
}

/** A router for tests: Redis, NATS and managers of its own. Disposing ends all of it, workers included. */
export interface TestRouter extends AsyncDisposable {
  /** The name of the router. */
  readonly router: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly managers: readonly TestManager[];
  /** Starts one more manager and resolves when it serves. Rejects with a `RangeError` beyond 16. */
  addManager(): Promise<TestManager>;
  /** Connects a client behind a link of its own. */
  worker(options?: WorkerOptions): Promise<TestWorker>;
  /**
   * Cuts the worker's link, waits until the lease of the session has ended at the managers, and heals the link. With a grace
   * time the session is stale then, without one it is gone and its interfaces are free.
   *
   * Rejects if the lease has not ended 5 s after it should have, as when the session belongs to another worker or no manager
   * runs; the link is healed then, too.
   */
  expireLease(worker: TestWorker, session: Session): Promise<void>;
  /** Ends a session as an operator does. Resolves to the number of interfaces that it held. Rejects with `MgmError`. */
  evict(session: Session): Promise<number>;
  /**
   * Loses everything in Redis, as when a server without persistence is restarted, and resolves when a manager serves again.
   * Rejects if no manager does so within 30 s.
   */
  loseStore(): Promise<void>;
  /** The events of the router after revision `from`, default 0, in order. Rejects with `MgmError` `compacted`. */
  events(from?: number): Promise<EventMessage[]>;
}

/**
 * Starts a router for tests: Redis, NATS and managers on free ports of this machine. Resolves when all managers serve.
 *
 * `await using router = await startRouter({ managers: 2 });` ends it at the end of the block. Everything also ends with this
 * process, however that ends (except a killed process on systems other than Linux).
 *
 * @throws RangeError for a number of managers out of range; DevstackError `no-servers`, which names what to install, or
 * `start-failed`; Error with a manager's output if it does not become ready. Nothing is left running.
 */
export async function startRouter(options: RouterOptions = {}): Promise<TestRouter> {
  const { managers = 1, router = `test-${randomBytes(6).toString('hex')}`, env = {} } = options;
  if (!Number.isInteger(managers) || managers < 0 || managers > MANAGERS_MAX) {
    throw new RangeError(`managers: must be 0 to ${MANAGERS_MAX}`);
  }
  const choice = await serversFor(options.servers);
  await using starting = new AsyncDisposableStack();
  const { redis, nats } = await startServers(choice, starting);
  const running: Program[] = [];
  starting.defer(async () => void (await Promise.all(running.map((manager) => manager.kill()))));
  const add = async (): Promise<void> => {
    const manager = managerProgram({ MGM_NATS_URL: nats.url, MGM_REDIS_URL: redis.url, ...env });
    running.push(manager);
    await manager.start();
  };
  const observing = connect({ servers: nats.url, router });
  await settled([observing, ...Array.from({ length: managers }, add)]);
  const observer = starting.use(await observing);
  return new Router({ router, redis, nats, running, add, observer, owned: starting.move() });
}

/** Starts both servers at once; `owned` ends each that started. */
async function startServers(choice: ServersChoice, owned: AsyncDisposableStack) {
  const redis = startRedis(choice).then((server) => owned.use(server));
  const nats = startNats(choice).then((server) => owned.use(server));
  await settled([redis, nats]);
  return { redis: await redis, nats: await nats };
}

/** Waits until all have settled, so that whatever started can be ended, and rejects with the first failure. */
async function settled(starting: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(starting);
  await Promise.all(starting);
}

interface RouterParts {
  readonly router: string;
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  readonly running: readonly Program[];
  readonly add: () => Promise<void>;
  /** A client whose connection has no faults. */
  readonly observer: Mgm;
  readonly owned: AsyncDisposableStack;
}

class Router implements TestRouter {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  get router(): string {
    return this.#parts.router;
  }

  get natsUrl(): string {
    return this.#parts.nats.url;
  }

  get redisUrl(): string {
    return this.#parts.redis.url;
  }

  get managers(): readonly TestManager[] {
    return this.#parts.running;
  }

  async addManager(): Promise<TestManager> {
    const { running, add } = this.#parts;
    const at = running.length;
    if (at >= MANAGERS_MAX)
      throw new RangeError(`a test router has at most ${MANAGERS_MAX} managers`);
    await add();
    return managerAt(running, at);
  }

  async worker(options: WorkerOptions = {}): Promise<TestWorker> {
    const { owned, router, nats } = this.#parts;
    return owned.use(await openWorker(nats.url, router, options));
  }

  async expireLease(worker: TestWorker, session: Session): Promise<void> {
    const { id, ttlMs } = session;
    const deadlineMono = performance.now() + ttlMs + SWEEP_WITHIN_MS;
    worker.cut();
    try {
      while (await this.#isLive(id)) {
        if (performance.now() > deadlineMono) {
          throw new Error(
            `session ${id} is still live: is it a session of the worker that was cut?`,
          );
        }
        await delay(LOOK_EVERY_MS);
      }
    } finally {
      await worker.heal();
    }
  }

  async evict({ id }: Session): Promise<number> {
    const target = { session: id, actor: ACTOR, why: 'evict() of a test' };
    return await this.#parts.observer.adminEvict(target);
  }

  async loseStore(): Promise<void> {
    const { redis, observer } = this.#parts;
    await redis.kill();
    await redis.start();
    await observer.sessions({ limit: 1, deadlineMs: SERVE_WITHIN_MS }).next();
  }

  async events(from = 0): Promise<EventMessage[]> {
    const { observer } = this.#parts;
    const events: EventMessage[] = [];
    for (let after = from; ;) {
      const page = await observer.events(after);
      events.push(...page.events);
      const last = page.events.at(-1);
      if (last === undefined || last.rev >= page.rev) return events;
      after = last.rev;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.owned.disposeAsync();
  }

  async #isLive(id: SessionId): Promise<boolean> {
    for await (const { session, state } of this.#parts.observer.sessions()) {
      if (session === id) return state === 'live';
    }
    return false;
  }
}

function managerAt(running: readonly Program[], at: number): TestManager {
  const manager = running[at];
  if (!manager) throw new RangeError(`no manager ${at}`);
  return manager;
}
