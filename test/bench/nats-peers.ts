import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { StorageType } from '@mgm/nats';
import { inFlight, perSecond } from './load.ts';
import { LeanBus } from './lean-bus.ts';
import { AT_ONCE, type Takes } from './own-takes.ts';
import type { Rig } from './rig.ts';

const ECHO = fileURLToPath(new URL('echo.ts', import.meta.url));
const BYTES = 120;

/** `create` of the NATS key-value store on JetStream, in memory, which fails when the key exists. */
export async function natsKv({ nats }: Rig): Promise<Takes> {
  const options = { history: 1, storage: StorageType.Memory };
  const bucket = await nats.jetstream().views.kv('bench', options);
  const owner = new TextEncoder().encode('owner');
  let round = 0;
  return async (count) => {
    const prefix = `${round++}.`;
    const rate = await perSecond(count, () =>
      inFlight(count, AT_ONCE, async (at) => {
        await bucket.create(`${prefix}${at}`, owner);
      }),
    );
    await bucket.purge(`${prefix}>`).catch(() => {});
    return rate;
  };
}

/** Messages to a process that echoes them: the lower bound of any request over this bus. */
export interface Echo {
  once(): Promise<void>;
}

export async function startEcho(rig: Rig): Promise<Echo> {
  const child = spawn(process.execPath, ['--conditions=@mgm/source', ECHO, rig.natsServer.url], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  rig.owned.defer(async () => {
    if (child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the echo ended before it was ready');
    }),
  ]);
  const bus = rig.owned.use(new LeanBus(rig.nats));
  const payload = new Uint8Array(BYTES);
  return { once: async () => void (await bus.request('bench.echo', payload)) };
}

/** The same concurrency as the other contenders. */
export function echoes(echo: Echo): Takes {
  return (count) => perSecond(count, () => inFlight(count, AT_ONCE, () => echo.once()));
}
