import { subjectsUnder, type Subjects } from '@mgm/protocol';
import { promiseOf, type Store } from '@mgm/store';
import pino, { type Logger } from 'pino';
import { troubleKind } from './answer.ts';
import { startBeacon } from './beacon.ts';
import { loggable, type Config } from './config.ts';
import { openBus, openLoggedStore } from './connections.ts';
import { Figures } from './figures.ts';
import { startHealth, type HealthServer } from './health.ts';
import { Intake } from './intake.ts';
import { KnownRouters } from './known-routers.ts';
import { orAborted, within } from './limits.ts';
import type { Bus } from './nats-connection.ts';
import type { MetricSource } from './metric-list.ts';
import { openMetrics } from './metrics.ts';
import { Publisher } from './publisher.ts';
import { Rounds } from './rounds.ts';
import { endpointStats } from './service-stats.ts';
import { troubleOf } from './state-log.ts';
import { Sweeper } from './sweeper.ts';
import { TroubleLog } from './trouble-log.ts';
import { managerVersion } from './version.ts';

/** How often to ask the store for routers that other replicas have seen. */
const ROUTERS_EVERY_MS = 2000;
/** What closing connections may take, after {@link Config.shutdownMs}. */
const CLOSE_WITHIN_MS = 500;

export interface ManagerOptions {
  /** Default: silent. */
  readonly log?: Logger;
  /** Gives up a start that waits for NATS or Redis. */
  readonly signal?: AbortSignal;
}

/** A replica that serves. Disposing it stops it. */
export interface Manager extends AsyncDisposable {
  readonly name: string;
  /** Where `/livez`, `/readyz` and `/metrics` are, if anywhere. */
  readonly healthPort: number | undefined;
  /** Why requests should go to another replica; empty when they may come here. */
  readonly notReadyBecause: readonly string[];
  /** Resolves when it has ended: with nothing after {@link stop}, else with the reason why it could not go on. */
  readonly ended: Promise<Error | undefined>;
  /** Takes no more requests, answers those it took, closes. Resolves within {@link Config.shutdownMs} and half a second. */
  stop(): Promise<void>;
}

/**
 * Starts one replica and resolves when it serves. While Redis or NATS cannot be reached it waits, however long: abort
 * `signal` to give up. Rejects when it never will serve: the health port is taken, NATS refuses a subscription.
 */
export async function startManager(config: Config, options: ManagerOptions = {}): Promise<Manager> {
  const manager = new Replica(config, options.log ?? pino({ level: 'silent' }));
  try {
    await orAborted(manager.start(), options.signal);
  } catch (error) {
    await manager.stop();
    throw error;
  }
  return manager;
}

/** STARTING → SERVING when Redis and NATS were both there. Either → STOPPING → STOPPED, once; nothing leads back. */
type Phase = 'starting' | 'serving' | 'stopping' | 'stopped';

class Replica implements Manager {
  readonly name: string;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #figures = new Figures();
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #intake: Intake;
  readonly #publisher: Publisher;
  readonly #routers: KnownRouters;
  readonly #subjects: Subjects;
  readonly #trouble: TroubleLog;
  readonly #storeReady = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  #phase: Phase = 'starting';
  #health: HealthServer | undefined;
  #tasks: { stop(): Promise<void> }[] = [];
  #stopped: Promise<void> | undefined;

  constructor(config: Config, parent: Logger) {
    const log = parent.child({ replica: config.name });
    this.name = config.name;
    this.#config = config;
    this.#log = log;
    this.#trouble = new TroubleLog(log);
    this.#routers = new KnownRouters(config.routers);
    this.#subjects = subjectsUnder(config.prefix);
    const figures = this.#figures;
    this.#bus = openBus(config, log, {
      onFailure: (reason) => this.#ended.resolve(new Error(reason)),
      onLost: () => figures.losses.nats++,
      metadata: () => this.#metadata(),
      stats: (subject) => this.#statsOf(subject),
    });
    const parts = { bus: this.#bus, subjects: this.#subjects, log, figures };
    this.#publisher = new Publisher(parts);
    this.#store = openLoggedStore(config, log, {
      onReady: () => this.#storeReady.resolve(),
      onLost: () => figures.losses.redis++,
      onPublish: (publication) => this.#publisher.publish(publication),
      onRefused: (reason) => this.#ended.resolve(new Error(`Redis: ${reason}`)),
      meter: figures,
    });
    this.#intake = new Intake({
      ...parts,
      store: this.#store,
      routers: this.#routers,
      trouble: this.#trouble,
    });
  }

  get healthPort(): number | undefined {
    return this.#health?.port;
  }

  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  get notReadyBecause(): readonly string[] {
    const servers = { nats: this.#bus.state, redis: this.#store.state };
    const lost = Object.entries(servers)
      .filter(([, state]) => state.kind !== 'ready')
      .map(([server, state]) => `${server}: ${troubleOf(state).reason ?? state.kind}`);
    return this.#phase === 'serving' ? lost : [...lost, this.#phase];
  }

  async start(): Promise<void> {
    const { healthHost: host, healthPort: port } = this.#config;
    this.#log.info({ version: managerVersion(), config: loggable(this.#config) }, 'starting');
    const { durability } = this.#config;
    this.#log.info({ durability: durability.mode }, promiseOf(durability));
    if (port > 0) {
      this.#health = await startHealth({
        host,
        port,
        notReadyBecause: () => this.notReadyBecause,
        metrics: openMetrics(() => this.#measured()),
      });
      if (this.#stopped !== undefined) return this.#health.close();
      this.#log.info({ host, port: this.#health.port }, 'health server listens');
    }
    await Promise.race([this.#serve(), this.#endedEarly()]);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Subscribes only when the store is there for the first time: until then other replicas do better. */
  async #serve(): Promise<void> {
    await Promise.all([this.#storeReady.promise, this.#bus.connected]);
    if (this.#phase !== 'starting') return;
    this.#phase = 'serving';
    await this.#bus.serve(this.#intake.endpoints());
    if (this.#stopped !== undefined) return;
    this.#routers.listed(this.#config.routers);
    this.#startTasks();
    const [nats, redis] = [this.#bus.state, this.#store.state].map((state) =>
      state.kind === 'ready' ? state.server : state.kind,
    );
    this.#log.info({ nats, redis }, 'ready');
  }

  async #endedEarly(): Promise<never> {
    throw (await this.#ended.promise) ?? new Error('stopped before it served');
  }

  #measured(): MetricSource {
    const { state } = this.#store;
    const store = state.kind === 'ready' ? state.server : '';
    return {
      figures: this.#figures,
      waiting: this.#intake.waiting,
      isNatsReady: this.#bus.state.kind === 'ready',
      isStoreReady: state.kind === 'ready',
      info: {
        replica: this.name,
        version: managerVersion(),
        durability: this.#config.durability.mode,
        store,
      },
    };
  }

  /** NATS keeps it as it is now; what changes is in the stats. */
  #metadata(): Readonly<Record<string, string>> {
    const { state } = this.#store;
    const { durability } = this.#config;
    return { durability: durability.mode, ...(state.kind === 'ready' && { store: state.server }) };
  }

  #statsOf(subject: string): Promise<object> {
    const { notReadyBecause } = this;
    const parts = { subjects: this.#subjects, figures: this.#figures, store: this.#store };
    return endpointStats({ ...parts, notReadyBecause }, subject);
  }

  #startTasks(): void {
    const { sweepEveryMs, headEveryMs } = this.#config;
    const parts = {
      bus: this.#bus,
      store: this.#store,
      subjects: this.#subjects,
      routers: this.#routers,
      trouble: this.#trouble,
      figures: this.#figures,
    };
    this.#tasks = [
      new Rounds({
        everyMs: ROUTERS_EVERY_MS,
        round: () => this.#learnRouters(),
        onError: (error) => this.#routersUnknown(error),
      }),
      new Sweeper({ ...parts, everyMs: sweepEveryMs }),
      startBeacon({ ...parts, everyMs: headEveryMs }),
    ];
  }

  async #learnRouters(): Promise<void> {
    if (this.#store.state.kind === 'ready') this.#routers.listed(await this.#store.routers());
  }

  #routersUnknown(error: unknown): void {
    const kind = troubleKind(error);
    if (kind === undefined) return;
    this.#trouble.note(`routers ${kind}`, { err: error }, 'routers not listed');
  }

  async #stop(): Promise<void> {
    const wasServing = this.#phase === 'serving';
    this.#phase = 'stopping';
    this.#log.info('stopping');
    if (wasServing) await this.#finish();
    const closers = [this.#bus, this.#store, ...(this.#health ? [this.#health] : [])];
    const closing = Promise.allSettled(closers.map((one) => one.close()));
    // What does not close in time has nobody left to hurt.
    await within(CLOSE_WITHIN_MS, closing, 'closing took too long').catch(() => {});
    this.#phase = 'stopped';
    this.#log.info('stopped');
    this.#ended.resolve(undefined);
  }

  /** What was taken is answered before the connections go, as far as the time allowed suffices. */
  async #finish(): Promise<void> {
    const { shutdownMs } = this.#config;
    try {
      await within(shutdownMs, this.#answerAll(), `not done within ${shutdownMs} ms`);
    } catch (error) {
      const waiting = this.#intake.waiting;
      this.#log.warn({ waiting, err: error }, 'stopped before all was answered');
    }
  }

  async #answerAll(): Promise<void> {
    const tasks = this.#tasks.map((task) => task.stop());
    await this.#bus.drain();
    await this.#intake.idle();
    await Promise.all(tasks);
    await this.#store.drain();
    this.#publisher.flush();
    if (!(await this.#bus.reaches(this.#config.shutdownMs))) throw new Error('NATS is not there');
  }
}
