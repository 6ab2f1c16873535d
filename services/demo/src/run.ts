import { readdir } from 'node:fs/promises';
import { connect, type Mgm } from '@mgm/client';
import type { ServersFromEnvironment } from '@mgm/devstack';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { Changes } from './view/changes.ts';
import { Console } from './processes/console.ts';
import { type LocalServers, startLocalServers } from './local-servers.ts';
import { limitLogs } from './data-folder.ts';
import { Managers } from './processes/managers.ts';
import { type RouterName, withoutSecrets } from '@mgm/protocol';
import type { StartOptions } from './options.ts';
import { DATA_FOLDERS } from './processes/programs.ts';
import { notAnswering, untilReady } from './processes/managers.ts';
import type { Reporter } from './view/reporter.ts';
import { ServerKeeper } from './local-servers.ts';
import type { SupervisorListener } from './processes/supervisor.ts';
import { readWorkerMessage } from './worker/messages.ts';
import { Workers } from './processes/workers.ts';

/** The interval at which the number of answering managers is checked. */
const ASK_EVERY_MS = 2_000;

/** What to run, and how to report it. */
export interface RunPlan {
  readonly options: StartOptions;
  readonly servers: ServersFromEnvironment;
  readonly reporter: Reporter;
  /** Ends the run. */
  readonly signal: AbortSignal;
}

/**
 * A local router: servers, managers, and the workers of the demo. They start in this order and stop in reverse, so that the
 * workers can still deregister.
 */
export class Run {
  readonly #plan: RunPlan;
  readonly #stack = new AsyncDisposableStack();
  #folder: DataFolder | undefined;
  #servers: LocalServers | undefined;
  #managers: Managers | undefined;
  #console: Console | undefined;
  #workers: Workers | undefined;
  #answering = 0;

  constructor(plan: RunPlan) {
    this.#plan = plan;
  }

  /** Starts everything and prints the `ready` line. After a rejection {@link stop} must be called, too. */
  async start(): Promise<void> {
    const { options, reporter, signal } = this.#plan;
    const folder = await this.#openFolder();
    const servers = await this.#startServers(folder);
    const [natsUrl, redisUrl] = [servers.nats.url, servers.redis.url];
    const listener = this.#listener();
    const { managers: count } = options;
    const managers = await Managers.start({ count, natsUrl, redisUrl, folder, listener });
    this.#managers = this.#stack.use(managers);
    reporter.say(`metrics: ${managers.metricsUrls.join(' ')}`);
    const mgm = this.#stack.use(await connectTo(natsUrl, options.router, signal));
    await untilReady(mgm, managers, signal);
    const shown = { natsUrl: withoutSecrets(natsUrl), redisUrl: withoutSecrets(redisUrl) };
    process.stdout.write(
      `ready nats=${shown.natsUrl} redis=${shown.redisUrl} managers=${options.managers}\n`,
    );
    await this.#startConsole(natsUrl, folder, listener);
    if (reporter.showsChanges) this.#watch(mgm, shown);
    if (!options.demo) return;
    const { router, seed } = options;
    this.#workers = this.#stack.use(new Workers({ natsUrl, router, seed, folder, listener }));
    reporter.changed();
  }

  /** Stops everything that was started, in reverse order. Never rejects; failures are reported. */
  async stop(): Promise<void> {
    try {
      await this.#stack.disposeAsync();
    } catch (error) {
      this.#plan.reporter.say(`not everything could be stopped in order: ${String(error)}`);
    }
  }

  /** Kills everything immediately. */
  async kill(): Promise<void> {
    const children = [
      ...(this.#workers?.supervisors ?? []),
      ...(this.#console ? [this.#console.supervisor] : []),
      ...(this.#managers?.replicas ?? []),
    ];
    for (const child of children) child.kill();
    await this.#servers?.kill();
    await this.#folder?.close();
  }

  /** Keeps the logs of a failed run, if there are any, and says where they are. */
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
    // Temporary files of libraries go here, too.
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

  /** Prints the address of the console once it answers; a fresh checkout builds its pages until then. */
  async #startConsole(
    natsUrl: string,
    folder: DataFolder,
    listener: SupervisorListener,
  ): Promise<void> {
    const { options, reporter } = this.#plan;
    const started = await Console.start({ natsUrl, router: options.router, folder, listener });
    this.#console = this.#stack.use(started);
    const over = new AbortController();
    const waiting = started.answers(over.signal).then((isUp) => {
      if (isUp) reporter.say(`console: ${started.url}`);
      else if (!over.signal.aborted) reporter.say(`the console does not answer: ${folder.logs}`);
    });
    this.#stack.defer(async () => {
      over.abort();
      await waiting;
    });
  }

  #watch(mgm: Mgm, shown: { natsUrl: string; redisUrl: string }): void {
    const { options, reporter } = this.#plan;
    this.#answering = options.managers;
    const timer = setInterval(() => void this.#countAnswering(mgm), ASK_EVERY_MS);
    reporter.open(() => ({
      ...shown,
      router: options.router,
      managers: processesOf(this.#managers?.replicas),
      answering: this.#answering,
      workers: processesOf(this.#workers?.supervisors),
    }));
    const changes = new Changes(mgm, reporter);
    this.#stack.defer(async () => {
      await changes.close();
      clearInterval(timer);
      reporter.close();
    });
  }

  async #countAnswering(mgm: Mgm): Promise<void> {
    if (!this.#managers) return;
    this.#answering =
      this.#managers.names.length - (await notAnswering(mgm, this.#managers)).length;
    this.#plan.reporter.changed();
  }

  #listener(): SupervisorListener {
    const { reporter } = this.#plan;
    return {
      onUnexpectedEnd: ({ name, ending, restartsInMs }) =>
        reporter.say(`${name} ended (${ending}); it restarts in ${restartsInMs / 1000} s`),
      onRestart: (name, pid) => reporter.say(`${name} was restarted (pid ${pid ?? '?'})`),
      onMessage: (message) => {
        const read = readWorkerMessage(message);
        if (read) reporter.onWorker(read);
      },
    };
  }
}

/** Connects as a client of the managers. Rejects if NATS is not reachable. */
async function connectTo(natsUrl: string, router: RouterName, signal: AbortSignal): Promise<Mgm> {
  try {
    return await connect({ servers: natsUrl, router, name: 'mgm-demo', signal });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`NATS at ${withoutSecrets(natsUrl)}: ${why}`, { cause });
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
