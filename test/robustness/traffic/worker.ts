import { setTimeout as delay } from 'node:timers/promises';
import { Chance } from '../../support/chance.ts';
import { AgentWorker } from './agent-worker.ts';
import { ForwarderWorker } from './forwarder-worker.ts';
import { Recorder } from './history.ts';
import { LibraryWorker } from './library-worker.ts';
import { RawWorker } from './raw-worker.ts';
import {
  type Order,
  order,
  RESTING,
  type Worker,
  type WorkerSetup,
  workerSetup,
} from './worker-setup.ts';

/** Concurrent calls of a worker; those on the wire contract alone have at most one pending. */
const LANES = { library: 2, raw: 1, agent: 1, forwarder: 1 } as const;

/**
 * One worker of the traffic as a process of its own: `node worker.ts <setup as JSON>`. Does what its seed says and records every
 * call before it is made and after its reply, until it is told to rest, then to leave, or is killed.
 */
async function main(): Promise<void> {
  const setup = workerSetup.parse(JSON.parse(process.argv[2] ?? ''));
  const chance = new Chance(setup.seed);
  using recorder = new Recorder(setup.historyPath, setup.name);
  const kinds = {
    library: LibraryWorker,
    raw: RawWorker,
    agent: AgentWorker,
    forwarder: ForwarderWorker,
  };
  const worker: Worker = await kinds[setup.kind].start(setup, recorder, chance);
  const traffic = new Traffic(worker, setup, chance);
  process.once('disconnect', () => process.exit());
  process.on('message', (message) => traffic.obey(order.parse(message)));
  await worker.register(setup.takeover);
  while (!traffic.isLeaving) {
    await traffic.untilResting();
    await worker.settle?.();
    process.send?.(RESTING);
    await traffic.untilOrdered();
  }
  await worker.leave();
  process.exit();
}

/** The calls of a worker between two orders to rest. */
class Traffic {
  readonly #worker: Worker;
  readonly #setup: WorkerSetup;
  readonly #chance: Chance;
  #registering: Promise<void> | undefined;
  #resting = Promise.withResolvers<void>();
  #acting = Promise.withResolvers<void>();
  #isResting = false;
  isLeaving = false;

  constructor(worker: Worker, setup: WorkerSetup, chance: Chance) {
    this.#worker = worker;
    this.#setup = setup;
    this.#chance = chance;
  }

  obey(given: Order): void {
    if (given === 'deafen' || given === 'listen') return this.#worker.deafen?.(given === 'deafen');
    this.#isResting = given === 'rest';
    this.isLeaving ||= given === 'leave';
    if (!this.#isResting) return this.#acting.resolve();
    this.#acting = Promise.withResolvers<void>();
    this.#resting.resolve();
  }

  /** Makes calls, and resolves when it has to rest and none is pending. */
  async untilResting(): Promise<void> {
    await Promise.all(Array.from({ length: LANES[this.#setup.kind] }, () => this.#lane()));
    this.#resting = Promise.withResolvers<void>();
  }

  /** Resolves when it has to act again, or to leave. */
  untilOrdered(): Promise<void> {
    return this.#acting.promise;
  }

  async #lane(): Promise<void> {
    const { pauseMs } = this.#setup;
    while (!this.#isResting) {
      const pause = this.#chance.between(0, 2 * pauseMs);
      await Promise.race([delay(pause), this.#resting.promise]);
      if (this.#worker.isRegistered) await this.#worker.act();
      else await this.#register();
    }
  }

  #register(): Promise<void> {
    const takeover = this.#chance.next() < 0.5;
    this.#registering ??= this.#worker
      .register(takeover)
      .finally(() => (this.#registering = undefined));
    return this.#registering;
  }
}

await main();
