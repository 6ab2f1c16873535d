import type { StoreState } from '@mgm/store';
import type { Logger } from 'pino';
import type { BusState } from './nats-connection.ts';

/** Logs once per change whether a server can be reached, and why not. */
export class StateLog {
  readonly #log: Logger;
  readonly #server: 'nats' | 'redis';
  #wasReady = false;

  constructor(log: Logger, server: 'nats' | 'redis') {
    this.#log = log;
    this.#server = server;
  }

  changed(state: BusState | StoreState): void {
    const { reason, refused } = troubleOf(state);
    if (state.kind === 'ready' && 'missing' in state) {
      this.#log.warn(
        { server: state.server, reason: state.missing },
        `${this.#server} in part lost`,
      );
      this.#wasReady = true;
    } else if (state.kind === 'ready') {
      this.#log.info(
        { server: state.server },
        `${this.#server} ${this.#wasReady ? 'back' : 'connected'}`,
      );
      this.#wasReady = true;
    } else if (state.kind !== 'closed' && reason !== undefined) {
      const level = refused ? 'error' : 'warn';
      this.#log[level](
        { reason },
        this.#wasReady ? `${this.#server} lost` : `waiting for ${this.#server}`,
      );
    }
  }
}

/** Why a server cannot be used, in words, and whether a person has to change something. */
export function troubleOf(state: BusState | StoreState): { reason?: string; refused: boolean } {
  if ('trouble' in state && state.trouble !== undefined) {
    return { reason: state.trouble.reason, refused: state.trouble.kind === 'refused' };
  }
  const refused = 'unfit' in state && state.unfit === 'misconfigured';
  return { ...('reason' in state && { reason: state.reason }), refused };
}
