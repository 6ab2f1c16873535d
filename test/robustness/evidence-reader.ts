import { connect, type EventMessage, isIgmp, type MembershipEvent, type Mgm } from '@mgm/client';
import { connect as connectNats } from '@mgm/nats';
import type { Evidence, ProcessHistory } from './check/evidence.ts';
import { directUrls } from './direct.ts';
import { ForwardingReader } from './forwarding-reader.ts';
import { storedMemberships } from './router-keys.ts';
import type { Watcher } from './traffic/watcher.ts';
import type { World } from './world.ts';

const PAGE = 1_000;

/** The evidence of one router, which grows during a run. */
export class EvidenceReader implements AsyncDisposable {
  readonly mgm: Mgm;
  readonly #world: World;
  readonly #forwarding: ForwardingReader;
  readonly #scope: AsyncDisposableStack;
  readonly #watchers: readonly Watcher[];
  #log: EventMessage[] = [];
  #memberLog: MembershipEvent[] = [];
  /** The present logs of the store, by their id. */
  #id: string | undefined;

  private constructor(
    { mgm, forwarding, scope }: Connected,
    world: World,
    watchers: readonly Watcher[],
  ) {
    this.mgm = mgm;
    this.#forwarding = forwarding;
    this.#scope = scope;
    this.#world = world;
    this.#watchers = watchers.filter((one) => one.router === mgm.router);
  }

  /** A reader of each router of a run. */
  static async ofAll(world: World, watchers: readonly Watcher[]): Promise<EvidenceReader[]> {
    const servers = directUrls(world.servers.nats);
    const connections = world.servers.routers.map((router) => connectTo(servers, router));
    return (await Promise.all(connections)).map((one) => new EvidenceReader(one, world, watchers));
  }

  /** Reads what was added, and lists the present state. It is one state only while all workers rest. */
  async read(): Promise<Evidence> {
    const { mgm } = this;
    await this.#readLogs();
    const listing = await Array.fromAsync(mgm.interfaces());
    const processes = historiesOf(this.#world, mgm.router);
    return {
      router: mgm.router,
      durability: this.#world.servers.durability,
      processes,
      watchers: this.#watchers.map(({ name, logs }) => ({ name, logs })),
      log: this.#log,
      listing,
      memberLog: this.#memberLog,
      members: await Array.fromAsync(mgm.members()),
      forwarding: await this.#forwarding.read(),
      stored: await storedMemberships(this.#world.servers, mgm.router),
      resting: restingSessions(processes),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.disposeAsync();
  }

  async #readLogs(): Promise<void> {
    const { log: id } = await this.mgm.events(0, { limit: 1 });
    if (id !== this.#id) [this.#id, this.#log, this.#memberLog] = [id, [], []];
    const { mgm } = this;
    await readOn(this.#log, (from) => mgm.events(from?.rev ?? 0, { limit: PAGE }));
    await readOn(this.#memberLog, (from) => mgm.memberEvents(from?.mrev ?? 0, { limit: PAGE }));
  }
}

interface Connected {
  readonly mgm: Mgm;
  readonly forwarding: ForwardingReader;
  readonly scope: AsyncDisposableStack;
}

async function connectTo(servers: string[], router: string): Promise<Connected> {
  await using opening = new AsyncDisposableStack();
  const mgm = opening.use(await connect({ servers, router }));
  const options = { servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 };
  const nats = opening.adopt(await connectNats(options), (one) => one.close());
  return { mgm, forwarding: new ForwardingReader(nats, router), scope: opening.move() };
}

/** Adds pages to a log until one is empty. */
async function readOn<Event>(
  log: Event[],
  page: (last: Event | undefined) => Promise<{ readonly events: readonly Event[] }>,
): Promise<void> {
  for (;;) {
    const { events } = await page(log.at(-1));
    if (events.length === 0) return;
    log.push(...events);
  }
}

function historiesOf({ workers }: World, router: string): ProcessHistory[] {
  return workers
    .filter(({ plan }) => plan.router === router)
    .flatMap(({ name, plan, histories }) =>
      histories.map(({ file, goneMono }) => {
        file.readOn();
        const igmp = isIgmp(plan.protocolId);
        const agent = plan.kind === 'agent' || plan.kind === 'forwarder';
        return { worker: name, igmp, agent, goneMono, entries: file.entries };
      }),
    );
}

/** The session of each running process, according to its history. */
function restingSessions(processes: readonly ProcessHistory[]): number[] {
  return processes.flatMap(({ entries, goneMono }) => {
    if (goneMono < Infinity) return [];
    const sessions = entries.flatMap((entry) =>
      entry.kind === 'returned' && entry.told === 'registered' ? [entry.session] : [],
    );
    const over = new Set(entries.map((entry) => (entry.kind === 'over' ? entry.session : 0)));
    return sessions.slice(-1).filter((session) => !over.has(session));
  });
}
