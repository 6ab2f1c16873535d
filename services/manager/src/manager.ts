import { managerSubjects, VERSION, type ManagerSubjects } from '@mgm/protocol';
import { NEWEST_SCHEMA, promiseOf, type Store } from '@mgm/store';
import pino, { type Logger } from 'pino';
import { orAborted, within } from './abort.ts';
import type { Bus } from './bus.ts';
import { loggable, type Config } from './config/config.ts';
import { readCredentialFiles, type Credentials } from './config/files.ts';
import { FlowQuestioner } from './flow-questioner.ts';
import { FlowCreation } from './flow-creation.ts';
import { startHeads } from './heads.ts';
import { Metrics, type MetricsSource } from './health/metrics.ts';
import { Presence } from './health/presence.ts';
import { startHealth, type HealthServer } from './health/server.ts';
import { endpointStats } from './health/service-stats.ts';
import { Hints } from './hints.ts';
import { Intake } from './intake.ts';
import { TroubleLog } from './log.ts';
import { Permissions } from './permissions.ts';
import { Publisher } from './publisher.ts';
import { troubleKind } from './refusals.ts';
import { Routers } from './routers.ts';
import { Rounds } from './rounds.ts';
import { openBus, openLoggedStore, payloadTrouble, troubleOf } from './servers.ts';
import { Standstill } from './standstill.ts';
import { Sweeper } from './sweeper.ts';
import { ManagerTracer, type TracingApi } from './tracing.ts';

/** How often to delete the data of routers that were idle for the retention time. */
const PURGE_EVERY_MS = 5000;
/** How long `$SRV.STATS` reports that a router has data of another schema. Sweeps meet it again and again. */
const SCHEMA_TROUBLE_MS = 10_000;
/** How often to read from the store the routers that other replicas serve. */
const ROUTERS_EVERY_MS = 2000;
/** How long closing the connections may take, in addition to {@link Config.shutdownMs}. */
const CLOSE_TIMEOUT_MS = 500;

export interface ManagerOptions {
  /** Default: silent. */
  readonly log?: Logger;
  /** Traces requests that carry a `traceparent`; see `docs/tracing.md`. */
  readonly tracing?: TracingApi | undefined;
  /** Aborts a start that waits for NATS or Redis. */
  readonly signal?: AbortSignal;
}

/** A replica that serves. Disposing stops it. */
export interface Manager extends AsyncDisposable {
  readonly name: string;
  /** The port of `/livez`, `/readyz` and `/metrics`, if they are served. */
  readonly healthPort: number | undefined;
  /** Why requests should go to another replica; empty while this one is ready. */
  readonly notReadyBecause: readonly string[];
  /** Resolves when the manager has ended: with `undefined` after {@link stop}, else with the reason. */
  readonly ended: Promise<Error | undefined>;
  /** Receives no more requests, replies to pending ones, closes. Resolves within {@link Config.shutdownMs} and half a second. */
  stop(): Promise<void>;
}

/**
 * Starts one replica and resolves when it serves. It waits for Redis and NATS without a limit: abort `signal` to give up.
 * Rejects when it can never serve: the health port is in use, NATS denies a subscription.
 */
export async function startManager(config: Config, options: ManagerOptions = {}): Promise<Manager> {
  const credentials = await readCredentialFiles(config);
  const manager = new Replica(config, credentials, options);
  try {
    await orAborted(manager.start(), options.signal);
  } catch (error) {
    await manager.stop();
    throw error;
  }
  return manager;
}

/** STARTING → SERVING when Redis and NATS were both reachable. Either → STOPPING → STOPPED, once, never back. */
type Phase = 'starting' | 'serving' | 'stopping' | 'stopped';

class Replica implements Manager {
  readonly name: string;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #metrics = new Metrics();
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #standstill: Standstill;
  readonly #intake: Intake;
  readonly #publisher: Publisher;
  readonly #routers: Routers;
  readonly #subjects: ManagerSubjects;
  readonly #trouble: TroubleLog;
  readonly #permissions: Permissions | undefined;
  readonly #storeReady = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  #phase: Phase = 'starting';
  #storeId: string | undefined;
  #presence: Presence | undefined;
  #health: HealthServer | undefined;
  #sweeper: Sweeper | undefined;
  #tasks: { stop(): Promise<void> }[] = [];
  #stopped: Promise<void> | undefined;

  constructor(config: Config, credentials: Credentials, options: ManagerOptions) {
    const parent = options.log ?? pino({ level: 'silent' });
    const log = parent.child({ replica: config.name });
    const tracer = options.tracing && new ManagerTracer(options.tracing, config.name);
    this.name = config.name;
    this.#config = config;
    this.#log = log;
    this.#trouble = new TroubleLog(log);
    this.#routers = new Routers(config.routers);
    this.#subjects = managerSubjects(config.prefix, config.isIdentified);
    this.#permissions = config.isIdentified ? new Permissions(config.policyFile, log) : undefined;
    const metrics = this.#metrics;
    this.#bus = openBus(config, credentials.nats, log, {
      onFailure: (reason) => this.#ended.resolve(new Error(reason)),
      onLost: () => metrics.lost('nats'),
      version: VERSION,
      metadata: () => this.#metadata(),
      stats: (subject) => this.#statsOf(subject),
    });
    const parts = { bus: this.#bus, subjects: this.#subjects, log, metrics };
    this.#publisher = new Publisher(parts);
    this.#store = openLoggedStore(config, credentials.redis, log, {
      onReady: () => this.#storeReady.resolve(),
      onLost: () => metrics.lost('redis'),
      onPublish: (publication) => this.#publisher.publish(publication),
      onUnsettled: (router) => this.#sweeper?.sweepSoon(router),
      onRefused: (reason) => this.#ended.resolve(new Error(`Redis: ${reason}`)),
      meter: metrics,
      tracer,
    });
    this.#standstill = new Standstill({ bus: this.#bus, log });
    const questioner = new FlowQuestioner({ ...parts, store: this.#store });
    const flows = new FlowCreation(this.#store, questioner);
    const hints = new Hints({ ...parts, store: this.#store });
    this.#intake = new Intake({
      ...parts,
      executors: {
        'flow.new': (...args) => flows.execute(...args),
        'flow.wrongif': (...args) => hints.execute(...args),
      },
      standstill: this.#standstill,
      store: this.#store,
      routers: this.#routers,
      trouble: this.#trouble,
      permissions: this.#permissions,
      tracer,
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
    const payload = payloadTrouble(this.#bus.state);
    const troubles = [
      ...lost,
      ...(payload === undefined ? [] : [payload]),
      ...(this.#presence?.troubles ?? []),
    ];
    return this.#phase === 'serving' ? troubles : [...troubles, this.#phase];
  }

  async start(): Promise<void> {
    const { healthHost: host, healthPort: port } = this.#config;
    this.#log.info({ version: VERSION, config: loggable(this.#config) }, 'starting');
    const { durability } = this.#config;
    this.#log.info({ durability: durability.mode }, promiseOf(durability));
    this.#logIdentities();
    if (port > 0) {
      this.#metrics.serveFrom(() => this.#metricsSource());
      this.#health = await startHealth({
        host,
        port,
        notReadyBecause: () => this.notReadyBecause,
        metrics: this.#metrics,
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

  /** Subscribes only after the store was reachable once; until then other replicas get the requests. */
  async #serve(): Promise<void> {
    await Promise.all([this.#storeReady.promise, this.#bus.connected]);
    await this.#readStoreId();
    if (this.#phase !== 'starting') return;
    this.#phase = 'serving';
    await this.#bus.serve(this.#intake.endpoints());
    if (this.#stopped !== undefined) return;
    this.#routers.add(this.#config.routers);
    this.#startTasks();
    const [nats, redis] = [this.#bus.state, this.#store.state].map((state) =>
      state.kind === 'ready' ? state.server : state.kind,
    );
    this.#log.info({ nats, redis }, 'ready');
  }

  #logIdentities(): void {
    const { isIdentified, policyFile } = this.#config;
    if (!isIdentified) {
      this.#log.info(
        'callers are not identified: every NATS user that may publish requests may do everything',
      );
    } else if (policyFile === '') {
      this.#log.info(
        'callers are identified; without a policy each may do everything but take over sessions of others',
      );
    }
  }

  async #endedEarly(): Promise<never> {
    throw (await this.#ended.promise) ?? new Error('stopped before it served');
  }

  #metricsSource(): MetricsSource {
    const { state } = this.#store;
    const store = state.kind === 'ready' ? state.server : '';
    return {
      waiting: this.#intake.waiting,
      isNatsReady: this.#bus.state.kind === 'ready',
      isStoreReady: state.kind === 'ready',
      info: {
        replica: this.name,
        version: VERSION,
        durability: this.#config.durability.mode,
        store,
      },
    };
  }

  /** Metadata cannot change later; `$SRV.STATS` has the current state. */
  #metadata(): Readonly<Record<string, string>> {
    const { state } = this.#store;
    const { durability } = this.#config;
    return {
      durability: durability.mode,
      identity: this.#config.isIdentified ? 'subject' : 'none',
      schema: String(NEWEST_SCHEMA),
      ...(state.kind === 'ready' && { store: state.server }),
      ...(this.#storeId !== undefined && { storeId: this.#storeId }),
    };
  }

  #statsOf(subject: string): Promise<object> {
    const schema = this.#trouble.hasRecent('schema', SCHEMA_TROUBLE_MS) ? ['schema'] : [];
    const notReadyBecause = [...this.notReadyBecause, ...schema];
    const parts = { subjects: this.#subjects, metrics: this.#metrics, store: this.#store };
    return endpointStats({ ...parts, storeId: this.#storeId, notReadyBecause }, subject);
  }

  #startTasks(): void {
    const { sweepEveryMs, headEveryMs } = this.#config;
    const parts = {
      bus: this.#bus,
      store: this.#store,
      subjects: this.#subjects,
      routers: this.#routers,
      trouble: this.#trouble,
      metrics: this.#metrics,
    };
    this.#presence = new Presence({
      ...parts,
      log: this.#log,
      name: this.name,
      storeId: () => this.#storeId,
    });
    this.#sweeper = new Sweeper({ ...parts, everyMs: sweepEveryMs });
    this.#tasks = [
      this.#presence,
      new Rounds({
        everyMs: ROUTERS_EVERY_MS,
        round: () => this.#readRouters(),
        onError: (error) => this.#routersUnknown(error),
      }),
      new Rounds({
        everyMs: PURGE_EVERY_MS,
        round: () => this.#purge(),
        onError: (error) => this.#trouble.note('purge', { err: error }, 'idle routers not purged'),
      }),
      this.#sweeper,
      startHeads({ ...parts, everyMs: headEveryMs }),
    ];
  }

  async #purge(): Promise<void> {
    if (this.#store.state.kind === 'ready') await this.#store.purge();
  }

  async #readRouters(): Promise<void> {
    if (this.#store.state.kind !== 'ready') return;
    await this.#readStoreId();
    this.#routers.add(await this.#store.routers());
  }

  /** Without the id this manager serves, but does not notice managers with another store. */
  async #readStoreId(): Promise<void> {
    try {
      this.#storeId = await this.#store.id();
    } catch (error) {
      const kind = troubleKind(error);
      if (kind !== undefined)
        this.#trouble.note(`store id ${kind}`, { err: error }, 'id of the store not read');
    }
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
    this.#standstill.stop();
    this.#permissions?.[Symbol.dispose]();
    const closers = [this.#bus, this.#store, ...(this.#health ? [this.#health] : [])];
    const closing = Promise.allSettled(closers.map((one) => one.close()));
    // A connection that does not close in time is abandoned.
    await within(CLOSE_TIMEOUT_MS, closing).catch(() => {});
    this.#phase = 'stopped';
    this.#log.info('stopped');
    this.#ended.resolve(undefined);
  }

  /** Replies to all pending requests before the connections close, within `shutdownMs`. */
  async #finish(): Promise<void> {
    const { shutdownMs } = this.#config;
    try {
      await within(shutdownMs, this.#replyToAll());
    } catch (error) {
      const waiting = this.#intake.waiting;
      this.#log.warn({ waiting, err: error }, 'stopped before all requests had a reply');
    }
  }

  async #replyToAll(): Promise<void> {
    const tasks = this.#tasks.map((task) => task.stop());
    await this.#bus.drain();
    await this.#intake.idle();
    await Promise.all(tasks);
    await this.#store.drain();
    this.#publisher.flush();
    if (!(await this.#bus.reaches(this.#config.shutdownMs)))
      throw new Error('NATS is not reachable');
  }
}
