import { ok } from '../support/raw-replies.ts';
import type { RawRouter, RawSession } from '../support/raw-client.ts';
import type { Figure, Target } from './figures.ts';
import { inFlight, lasting } from './load.ts';
import { CpuMeter } from './processes.ts';
import { pidOf, type Rig } from './rig.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

const TTL_MS = 10_000;
/** The interval of the client library: a third of the lease, with a jitter of a tenth. */
const EVERY_MS = TTL_MS / 3;
const JITTER = 0.2;
const REGISTERED_AT_ONCE = 256;
const MANAGER_CORES_MAX = 0.2;

/** Many sessions on one manager, each with its own keepalives: lost leases and CPU time. One long round. */
export async function keepalives(
  rig: Rig,
  { sessions, keepSeconds, settleSeconds }: Size,
): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const router = rig.router(fleet);
  let expired = 0;
  rig.nats.subscribe(`${router.prefix}.${router.name}.event.expired`, {
    callback: () => expired++,
  });
  rig.say(`registering ${sessions} sessions`);
  const crowd = await registerCrowd(router, sessions);
  const keepers = crowd.map((session) => new Keeper(session));
  rig.say(`keeping them for ${keepSeconds} s`);
  // Until every session has sent a keepalive and the code is compiled.
  await lasting(settleSeconds * 1000);
  for (const keeper of keepers) keeper.latencies.length = 0;
  const pids = {
    manager: fleet.pids,
    redis: [pidOf(rig.redisServer)],
    nats: [pidOf(rig.natsServer)],
  };
  const meter = new CpuMeter(pids);
  await rig.redis.config('RESETSTAT');
  await lasting(keepSeconds * 1000);
  const cores = { manager: meter.coresOf('manager'), redis: meter.coresOf('redis') };
  const nats = meter.coresOf('nats');
  const scripts = await scriptsOf(rig);
  for (const keeper of keepers) keeper.stop();
  const latencies = keepers.flatMap((keeper) => keeper.latencies);
  const failed = keepers.reduce((sum, keeper) => sum + keeper.failed, 0);
  const rate = latencies.length / keepSeconds;
  const perCall = latencies.length / scripts.calls;
  return [
    figure('rate', 'keepalives', rate, '/s'),
    figure('expired', 'leases lost', expired, '', { atMost: 0 }),
    figure('failed', 'keepalives refused or unanswered', failed, '', { atMost: 0 }),
    figure('manager', 'manager', cores.manager, 'cores', { atMost: MANAGER_CORES_MAX }),
    figure('manager-each', 'manager, per keepalive', (cores.manager * 1e6) / rate, 'µs'),
    figure('redis', 'Redis', cores.redis, 'cores'),
    figure('redis-each', 'Redis, per keepalive', (cores.redis * 1e6) / rate, 'µs'),
    figure(
      'script-each',
      'Redis, inside scripts, per keepalive',
      scripts.microseconds / latencies.length,
      'µs',
    ),
    figure('per-call', 'keepalives of one script call', perCall, ''),
    figure('nats', 'NATS', nats, 'cores'),
    figure('p50', 'answered within, p50', quantile(latencies, 0.5), 'ms'),
    figure('p99', 'answered within, p99', quantile(latencies, 0.99), 'ms'),
  ];
}

function figure(id: string, what: string, value: number, unit: string, target?: Target): Figure {
  return { id: `keepalives.${id}`, what, unit, values: [value], ...(target && { target }) };
}

/** The script statistics of Redis since they were reset. */
async function scriptsOf({ redis }: Rig): Promise<{ calls: number; microseconds: number }> {
  const stats = await redis.info('commandstats');
  const [, calls, microseconds] = /^cmdstat_fcall:calls=(\d+),usec=(\d+)/m.exec(stats) ?? [];
  return { calls: Number(calls), microseconds: Number(microseconds) };
}

async function registerCrowd(router: RawRouter, count: number): Promise<RawSession[]> {
  const crowd: RawSession[] = [];
  await inFlight(count, REGISTERED_AT_ONCE, async (at) => {
    crowd.push(await router.register({ componentId: at + 1, ttlMs: TTL_MS }));
  });
  return crowd;
}

/** Keeps one session alive, starting at a random time. */
class Keeper {
  readonly latencies: number[] = [];
  failed = 0;
  readonly #session: RawSession;
  #timer: NodeJS.Timeout;

  constructor(session: RawSession) {
    this.#session = session;
    this.#timer = setTimeout(() => void this.#keep(), Math.random() * EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #keep(): Promise<void> {
    this.#timer = setTimeout(
      () => void this.#keep(),
      EVERY_MS * (1 + JITTER * (Math.random() - 0.5)),
    );
    const sentMono = performance.now();
    try {
      ok(await this.#session.keepalive());
      this.latencies.push(performance.now() - sentMono);
    } catch {
      this.failed++;
    }
  }
}
