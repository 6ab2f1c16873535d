import { readdir } from 'node:fs/promises';
import type { ServersFromEnvironment } from '@mgm/devstack';
import { type Bus, openBus } from './bus.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { Changes } from './changes.ts';
import { type LocalServers, startLocalServers } from './local-servers.ts';
import { limitLogs } from './log-limit.ts';
import { Managers } from './managers.ts';
import { withoutSecrets } from '@mgm/protocol';
import type { StartOptions } from './options.ts';
import { DATA_FOLDERS } from './programs.ts';
import { notAnswering, untilReady } from './readiness.ts';
import type { Reporter } from './reporter.ts';
import { ServerKeeper } from './server-keeper.ts';
import type { SupervisorListener } from './supervisor.ts';
import { readWorkerMessage } from './worker-messages.ts';
import { Workers } from './workers.ts';

/** How often to ask which managers answer. */
const ASK_EVERY_MS = 2_000;

/** What is to run, and how it is told. */
export interface RunPlan {
  readonly options: StartOptions;
  readonly servers: ServersFromEnvironment;
  readonly reporter: Reporter;
  /** Ends the run. */
  readonly signal: AbortSignal;
}

/**
 * A local router: servers, managers, and the workers of the demo. Started in this order, and stopped in the opposite one,
 * so that each part can still do what its end takes.
 */
export class Run {
  readonly #plan: RunPlan;
  readonly #stack = new AsyncDisposableStack();
  #folder: DataFolder | undefined;
  #servers: LocalServers | undefined;
  #managers: Managers | undefined;
  #workers: Workers | undefined;
  #answering = 0;

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** Starts everything and prints the `ready` line. Rejects with why it can't; {@link stop} is needed then, too. */
  async start(): Promise<void> {
    const { options, reporter, signal } = this.#plan;
    const folder = await this.#openFolder();
    const servers = await this.#startServers(folder);
    const [natsUrl, redisUrl] = [servers.nats.url, servers.redis.url];
    const listener = this.#listener();
    const managers = new Managers({ count: options.managers, natsUrl, redisUrl, folder, listener });
    this.#managers = this.#stack.use(managers);
    const bus = this.#stack.use(await openBus(natsUrl, options.router));
    await untilReady(bus, managers, signal);
    const shown = { natsUrl: withoutSecrets(natsUrl), redisUrl: withoutSecrets(redisUrl) };
    process.stdout.write(
      `ready nats=${shown.natsUrl} redis=${shown.redisUrl} managers=${options.managers}\n`,
    );
    if (reporter.showsChanges) this.#watch(bus, shown);
    if (!options.demo) return;
    const { router, seed } = options;
    this.#workers = this.#stack.use(new Workers({ natsUrl, router, seed, folder, listener }));
    reporter.changed();
  }

  /** Stops everything that was started, the last first. Never rejects; what could not be done is told. */
  async stop(): Promise<void> {
    try {
      await this.#stack.disposeAsync();
    } catch (error) {
      this.#plan.reporter.say(`not all could be stopped in order: ${String(error)}`);
    }
  }

  /** Ends everything at once, for somebody who will not wait. */
  async kill(): Promise<void> {
    const children = [...(this.#workers?.supervisors ?? []), ...(this.#managers?.replicas ?? [])];
    for (const child of children) child.kill();
    await this.#servers?.kill();
    await this.#folder?.close();
  }

  /** Leaves the logs of a run that failed, if there are any, and says where they are. */
  async keepLogs(): Promise<void> {
    if (!this.#folder || (await readdir(this.#folder.logs)).length === 0) return;
    this.#folder.keepLogs();
    this.#plan.reporter.say(`logs are in ${this.#folder.logs}`);
  }

  async #openFolder(): Promise<DataFolder> {
    const folder = await openDataFolder(this.#plan.options.dataDir, DATA_FOLDERS);
    this.#folder = folder;
    this.#stack.defer(() => folder.close());
    this.#stack.defer(limitLogs(folder.logs));
    const end = folder.isKept ? 'kept' : 'removed at the end';
    this.#plan.reporter.say(`data and logs: ${folder.path} (${end})`);
    // What libraries put where temporary files go is to be found here, too.
    process.env['TMPDIR'] = folder.temporary;
    return folder;
  }

  async #startServers(folder: DataFolder): Promise<LocalServers> {
    const { options, servers: given, reporter, signal } = this.#plan;
    const say = (line: string): void => reporter.say(line);
    const { natsPort, redisPort } = options;
    const servers = await startLocalServers({
      ...{ servers: given, natsPort, redisPort, folder, say, signal },
    });
    this.#servers = this.#stack.use(servers);
    const keeper = new ServerKeeper([servers.redis, servers.nats], say);
    this.#stack.defer(() => keeper.close());
    return servers;
  }

  #watch(bus: Bus, shown: { natsUrl: string; redisUrl: string }): void {
    const { options, reporter } = this.#plan;
    this.#answering = options.managers;
    const timer = setInterval(() => void this.#countAnswering(bus), ASK_EVERY_MS);
    reporter.open(() => ({
      ...shown,
      router: options.router,
      managers: processesOf(this.#managers?.replicas),
      answering: this.#answering,
      workers: processesOf(this.#workers?.supervisors),
    }));
    const changes = new Changes(bus.mgm, reporter);
    this.#stack.defer(async () => {
      await changes.close();
      clearInterval(timer);
      reporter.close();
    });
  }

  async #countAnswering(bus: Bus): Promise<void> {
    if (!this.#managers) return;
    this.#answering =
      this.#managers.names.length - (await notAnswering(bus, this.#managers)).length;
    this.#plan.reporter.changed();
  }

  #listener(): SupervisorListener {
    const { reporter } = this.#plan;
    return {
      onUnexpectedEnd: ({ name, ending, restartsInMs }) =>
        reporter.say(`${name} ended (${ending}); it is started again in ${restartsInMs / 1000} s`),
      onRestart: (name, pid) => reporter.say(`${name} runs again (pid ${pid ?? '?'})`),
      onMessage: (message) => {
        const read = readWorkerMessage(message);
        if (read) reporter.igmpRestarted(read.interface);
      },
    };
  }
}

interface Named {
  readonly program: { readonly name: string };
  readonly pid: number | undefined;
}

function processesOf(
  supervisors: readonly Named[] = [],
): { name: string; pid: number | undefined }[] {
  return supervisors.map(({ program, pid }) => ({ name: program.name, pid }));
}
