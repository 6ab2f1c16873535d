import { type ManagerProcess, startManager } from '@mgm/test-support';
import { linksToNats } from './nats-links.ts';
import type { Link, Servers } from './system.ts';

/** The place of one manager: its links to the servers stay, its processes change. */
export class ManagerSlot implements AsyncDisposable {
  readonly name: string;
  readonly links: readonly Link[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #root: string | undefined;
  #process: ManagerProcess | undefined;

  private constructor(
    name: string,
    links: readonly Link[],
    env: Readonly<Record<string, string>>,
    root: string | undefined,
  ) {
    this.name = name;
    this.links = links;
    this.#env = env;
    this.#root = root;
  }

  /** Opens the links to the servers and starts nothing. `root`: the folder of other sources of a manager. */
  static async open(name: string, servers: Servers, root?: string): Promise<ManagerSlot> {
    const nats = await linksToNats(servers, name, 'manager-nats');
    const redis = await servers.redisFor(name);
    return new ManagerSlot(
      name,
      [...nats, ...redis.links],
      {
        MGM_NATS_URL: natsUrl(nats),
        MGM_REDIS_URL: redis.url,
        MGM_NAME: name,
        // The log of a whole run is read at its end.
        MGM_EVENT_RETENTION: '10000000',
        ...servers.env,
      },
      root,
    );
  }

  /** Starts a process and resolves when it serves. */
  async start(): Promise<void> {
    const nowhere = { nats: { url: '' }, redis: { url: '' } };
    this.#process = await startManager(nowhere, this.#env, { root: this.#root });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Stops it as an orchestrator does. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** The last part of its output. */
  output(): string {
    return this.#process?.output() ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const { proxy } of this.links) await proxy[Symbol.asyncDispose]();
  }
}

/** The links in the form of `MGM_NATS_URL` and of the client library. */
function natsUrl(links: readonly Link[]): string {
  return links.map(({ proxy }) => `nats://${proxy.host}:${proxy.port}`).join(',');
}
