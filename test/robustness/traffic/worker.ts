import { setTimeout as delay } from 'node:timers/promises';
import { Chance } from '../../support/chance.ts';
import { Recorder } from './history.ts';
import { LibraryWorker } from './library-worker.ts';
import { RawWorker } from './raw-worker.ts';
import { order, RESTING, type Worker, workerSetup } from './worker-setup.ts';

/** Concurrent calls of a worker; the raw client has at most one pending. */
const LANES = { library: 2, raw: 1 } as const;

/**
 * One worker of the traffic as a process of its own: `node worker.ts <setup as JSON>`. Does what its seed says and records every
 * call before it is made and after its reply, until it is told to rest, then to leave, or is killed.
 */
async function main(): Promise<void> {
  const setup = workerSetup.parse(JSON.parse(process.argv[2] ?? ''));
  const chance = new Chance(setup.seed);
  using recorder = new Recorder(setup.historyPath, setup.name);
  const kinds = { library: LibraryWorker, raw: RawWorker };
  const worker: Worker = await kinds[setup.kind].start(setup, recorder, chance);
  const resting = Promise.withResolvers<void>();
  const leaving = Promise.withResolvers<void>();
  let isResting = false;
  process.once('disconnect', () => process.exit());
  process.on('message', (message) => {
    if (order.parse(message) === 'leave') return leaving.resolve();
    isResting = true;
    resting.resolve();
  });

  let registering: Promise<void> | undefined;
  const lane = async (): Promise<void> => {
    while (!isResting) {
      await Promise.race([delay(chance.between(0, 2 * setup.pauseMs)), resting.promise]);
      if (worker.isRegistered) {
        await worker.act();
        continue;
      }
      registering ??= worker.register(chance.next() < 0.5).finally(() => (registering = undefined));
      await registering;
    }
  };
  await worker.register(setup.takeover);
  await Promise.all(Array.from({ length: LANES[setup.kind] }, lane));
  process.send?.(RESTING);
  await leaving.promise;
  await worker.leave();
  process.exit();
}

await main();
