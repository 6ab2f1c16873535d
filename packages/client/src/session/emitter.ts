import type { Logger } from '../rpc/logger.ts';

export type Listener<Payload> = (payload: Payload) => void;

/**
 * Listeners by event. They are called when the code that is running now has returned, in the order of the events: who
 * only asked whether a signal is aborted must not find foreign code run in between. A listener that throws is logged and
 * keeps nobody else from hearing.
 */
export class Emitter<Events extends object> {
  readonly #logger: Logger;
  readonly #listeners: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` each time. Returns what ends that. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = (this.#listeners[name] ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners[name];
    if (!listeners || listeners.size === 0) return;
    queueMicrotask(() => {
      for (const listener of [...listeners]) this.#call(name, listener, payload);
    });
  }

  #call<Name extends keyof Events>(
    name: Name,
    listener: Listener<Events[Name]>,
    payload: Events[Name],
  ): void {
    try {
      listener(payload);
    } catch (err) {
      this.#logger.error({ event: name, err }, 'listener failed');
    }
  }
}
