import {
  openStore,
  type Publication,
  type RedisCredentials,
  type Store,
  type StoreMeter,
  type StoreState,
  type BatchTracer,
} from '@mgm/store';
import type { ConnectionOptions } from '@mgm/nats';
import type { RouterName } from '@mgm/protocol';
import type { Logger } from 'pino';
import { Bus, type BusOptions, type BusState } from './bus.ts';
import type { Config } from './config/config.ts';
import { PAYLOAD_AMPLE, PAYLOAD_MIN } from './reply-size.ts';

export interface BusListeners extends Pick<BusOptions, 'version' | 'metadata' | 'stats'> {
  /** Called when the connection ended for good. */
  readonly onFailure: (reason: string) => void;
  /** Called each time when the connection is lost. */
  readonly onLost: () => void;
}

/** Connects to NATS as configured and logs changes of the connection. */
export function openBus(
  config: Config,
  credentials: ConnectionOptions,
  log: Logger,
  listeners: BusListeners,
): Bus {
  const states = new StateLog(log, 'nats');
  const { version, metadata, stats, onFailure, onLost } = listeners;
  return new Bus({
    url: config.natsUrl,
    credentials,
    name: config.name,
    version,
    metadata: () => ({ replica: config.name, ...metadata() }),
    stats,
    onStateChange: (state) => {
      states.changed(state);
      if (state.kind === 'ready') logPayload(log, state.maxPayload);
      if (state.kind === 'closed' && state.failure !== undefined)
        onFailure(`NATS: ${state.failure}`);
      if (state.kind === 'lost') onLost();
    },
    onInboxDenied: (subject) =>
      log.error({ subject }, 'nats denies subscribing: answers to questions do not arrive'),
    onPublishDenied: (subject) => log.error({ subject }, 'nats denies publishing'),
  });
}

function logPayload(log: Logger, maxPayload: number): void {
  const recommended = PAYLOAD_AMPLE;
  if (maxPayload < PAYLOAD_MIN) {
    const fields = { maxPayload, atLeast: PAYLOAD_MIN, recommended };
    log.error(fields, 'max_payload of nats is too small for some requests and replies');
  } else if (maxPayload < PAYLOAD_AMPLE) {
    log.warn({ maxPayload, recommended }, 'max_payload of nats is small: pages are shorter');
  }
}

/** Why the limit of the NATS server makes a manager unfit, if it does. */
export function payloadTrouble(state: BusState): string | undefined {
  if (state.kind !== 'ready' || state.maxPayload >= PAYLOAD_MIN) return undefined;
  return `nats: max_payload is ${state.maxPayload}, it must be at least ${PAYLOAD_MIN}`;
}

export interface StoreListeners {
  /** Called each time when Redis becomes usable. */
  readonly onReady: () => void;
  /** Called each time when Redis stops being usable. */
  readonly onLost: () => void;
  readonly onPublish: (publication: Publication) => void;
  /** Called after a batch that leaves withdrawn memberships. */
  readonly onUnsettled: (router: RouterName) => void;
  /** Called when Redis answers but must not be used as it is, before it could ever be used. */
  readonly onRefused: (reason: string) => void;
  readonly meter: StoreMeter;
  readonly tracer: BatchTracer | undefined;
}

/** Opens the store as configured and logs changes of its connection. */
export function openLoggedStore(
  config: Config,
  credentials: RedisCredentials,
  log: Logger,
  listeners: StoreListeners,
): Store {
  const states = new StateLog(log, 'redis');
  const start = new StartCheck(listeners.onRefused);
  return openStore({
    url: config.redisUrl,
    credentials,
    keyPrefix: config.keyPrefix,
    replyWithinMs: config.storeTimeoutMs,
    durability: config.durability,
    batchMax: config.batchMax,
    queueMax: config.queueMax,
    eventRetention: config.eventRetention,
    retentionMs: config.retentionMs,
    operatorEventsMax: config.operatorEventsMax,
    operatorRetentionMs: config.operatorRetentionMs,
    routersMax: config.routersMax,
    sessionsMax: config.sessionsMax,
    entriesMax: config.entriesMax,
    routesMax: config.routesMax,
    mfesMax: config.mfesMax,
    interfacesMax: config.interfacesMax,
    sweepEveryMs: config.sweepEveryMs,
    onPublish: listeners.onPublish,
    onUnsettled: listeners.onUnsettled,
    meter: listeners.meter,
    ...(listeners.tracer && { tracer: listeners.tracer }),
    onStateChange: (state) => {
      states.changed(state);
      start.changed(state);
      if (state.kind === 'ready') listeners.onReady();
      if (state.kind === 'lost') listeners.onLost();
    },
  });
}

/** Why a server cannot be used, and whether a person must change something. */
export function troubleOf(state: BusState | StoreState): { reason?: string; refused: boolean } {
  if ('trouble' in state && state.trouble !== undefined) {
    return { reason: state.trouble.reason, refused: state.trouble.kind === 'refused' };
  }
  const refused = 'unfit' in state && state.unfit === 'misconfigured';
  return { ...('reason' in state && { reason: state.reason }), refused };
}

/** Logs each change of a connection once, with its reason. */
class StateLog {
  readonly #log: Logger;
  readonly #server: 'nats' | 'redis';
  #wasReady = false;

  constructor(log: Logger, server: 'nats' | 'redis') {
    this.#log = log;
    this.#server = server;
  }

  changed(state: BusState | StoreState): void {
    if (state.kind === 'ready') this.#logReady(state.server, 'missing' in state && state.missing);
    else if (state.kind !== 'closed') this.#logTrouble(state);
  }

  #logReady(server: string, missing: string | false | undefined): void {
    if (missing) {
      this.#log.warn({ server, reason: missing }, `${this.#server} in part lost`);
    } else {
      this.#log.info({ server }, `${this.#server} ${this.#wasReady ? 'back' : 'connected'}`);
    }
    this.#wasReady = true;
  }

  #logTrouble(state: BusState | StoreState): void {
    const { reason, refused } = troubleOf(state);
    if (reason === undefined) return;
    const message = this.#wasReady ? `${this.#server} lost` : `waiting for ${this.#server}`;
    this.#log[refused ? 'error' : 'warn']({ reason }, message);
  }
}

/** How long a Redis may answer and be unusable, because a replica has to connect or a failover has to end. */
const UNUSABLE_MAX_MS = 10_000;

/**
 * Ends a start on a Redis that answers but must not be used: immediately where it is misconfigured, after
 * {@link UNUSABLE_MAX_MS} where the cause may pass. An unreachable Redis is waited for without a limit. Once Redis was
 * usable, nothing ends the manager any more.
 */
class StartCheck {
  readonly #onRefused: (reason: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #reason = '';
  #isOver = false;

  constructor(onRefused: (reason: string) => void) {
    this.#onRefused = onRefused;
  }

  changed(state: StoreState): void {
    const unfit = state.kind === 'connecting' ? state.unfit : undefined;
    if (unfit === undefined) this.#stopTimer();
    this.#isOver ||= state.kind !== 'connecting';
    if (this.#isOver || state.kind !== 'connecting' || unfit === undefined) return;
    this.#reason = state.reason ?? unfit;
    if (unfit === 'misconfigured') this.#onRefused(this.#reason);
    else this.#timer ??= setTimeout(() => this.#onRefused(this.#reason), UNUSABLE_MAX_MS);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
