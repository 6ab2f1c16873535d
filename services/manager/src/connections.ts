import { openStore, type Publication, type Store } from '@mgm/store';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { Bus } from './nats-connection.ts';
import { StartCheck } from './start-check.ts';
import { StateLog } from './state-log.ts';
import { managerVersion } from './version.ts';

/** The connection to NATS as configured, its changes logged. `onFailure`: it ended for good, and why. */
export function openBus(config: Config, log: Logger, onFailure: (reason: string) => void): Bus {
  const states = new StateLog(log, 'nats');
  return new Bus({
    url: config.natsUrl,
    name: config.name,
    version: managerVersion(),
    onStateChange: (state) => {
      states.changed(state);
      if (state.kind === 'closed' && state.failure !== undefined)
        onFailure(`NATS: ${state.failure}`);
    },
    onPublishDenied: (subject) => log.error({ subject }, 'nats denies publishing'),
  });
}

export interface StoreListeners {
  /** Called each time when Redis can be used from now on. */
  readonly onReady: () => void;
  readonly onPublish: (publication: Publication) => void;
  /** Redis answers and must not be used as it is, and why; while no connection could be used so far. */
  readonly onRefused: (reason: string) => void;
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
    onStateChange: (state) => {
      states.changed(state);
      start.changed(state);
      if (state.kind === 'ready') listeners.onReady();
    },
  });
}
