import type { RunningServer } from '@mgm/devstack';

const LOOK_EVERY_MS = 500;

/**
 * Starts a server process again that ended without having been asked to, on its port and with its data. Servers in
 * containers or given by URL are left alone.
 */
export class ServerKeeper {
  readonly #servers: readonly RunningServer[];
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(servers: readonly RunningServer[], say: (line: string) => void) {
    this.#servers = servers.filter((server) => server.source === 'process');
    this.#say = say;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Resolves when it starts nothing any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#looking = this.#startMissing().finally(() => {
      this.#isBusy = false;
    });
  }

  async #startMissing(): Promise<void> {
    for (const server of this.#servers) {
      if (server.pid !== undefined) continue;
      try {
        await server.start();
        this.#say(`the server at ${server.url} had ended and was started again`);
      } catch (error) {
        this.#say(`the server at ${server.url} ended: ${String(error)}`);
      }
    }
  }
}
