import { openStore, type Publication, type Store, type StoreMeter } from '@mgm/store';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { Bus } from './nats-connection.ts';
import { StartCheck } from './start-check.ts';
import { StateLog } from './state-log.ts';
import { managerVersion } from './version.ts';

export interface BusListeners {
  /** Called when it ended for good, with the reason. */
  readonly onFailure: (reason: string) => void;
  /** Called each time when it can be used no more. */
  readonly onLost: () => void;
  /** What `$SRV.INFO` tells besides the replica's name, asked for when it begins to serve. */
  readonly metadata: () => Readonly<Record<string, string>>;
  /** What `$SRV.STATS` tells of the endpoint on this subject. */
  readonly stats: (subject: string) => Promise<object>;
}

/** The connection to NATS as configured, its changes logged. */
export function openBus(config: Config, log: Logger, listeners: BusListeners): Bus {
  const states = new StateLog(log, 'nats');
  return new Bus({
    url: config.natsUrl,
    name: config.name,
    version: managerVersion(),
    metadata: () => ({ replica: config.name, ...listeners.metadata() }),
    stats: listeners.stats,
    onStateChange: (state) => {
      states.changed(state);
      if (state.kind === 'closed' && state.failure !== undefined)
        listeners.onFailure(`NATS: ${state.failure}`);
      if (state.kind === 'lost') listeners.onLost();
    },
    onPublishDenied: (subject) => log.error({ subject }, 'nats denies publishing'),
  });
}

export interface StoreListeners {
  /** Called each time when Redis can be used from now on. */
  readonly onReady: () => void;
  /** Called each time when it can be used no more. */
  readonly onLost: () => void;
  readonly onPublish: (publication: Publication) => void;
  /** Redis answers and must not be used as it is, and why; while no connection could be used so far. */
  readonly onRefused: (reason: string) => void;
  readonly meter: StoreMeter;
}

/** The store as configured, its changes logged. */
export function openLoggedStore(config: Config, log: Logger, listeners: StoreListeners): Store {
  const states = new StateLog(log, 'redis');
  const start = new StartCheck(listeners.onRefused);
  return openStore({
    url: config.redisUrl,
    keyPrefix: config.keyPrefix,
    replyWithinMs: config.storeTimeoutMs,
    durability: config.durability,
    batchMax: config.batchMax,
    queueMax: config.queueMax,
    eventRetention: config.eventRetention,
    sweepEveryMs: config.sweepEveryMs,
    onPublish: listeners.onPublish,
    meter: listeners.meter,
    onStateChange: (state) => {
      states.changed(state);
      start.changed(state);
      if (state.kind === 'ready') listeners.onReady();
      if (state.kind === 'lost') listeners.onLost();
    },
  });
}
