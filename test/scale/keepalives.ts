import { ok } from '../support/raw-answers.ts';
import type { RawRouter } from '../support/raw-client.ts';
import type { RawSession } from '../support/raw-session.ts';
import { type Figure, limited, quantile } from './figures.ts';
import { inFlight, lasting } from './load.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';

const TTL_MS = 10_000;
/** As the client library does it: a third of the lease, a tenth of it more or less as chance has it. */
const EVERY_MS = TTL_MS / 3;
const JITTER = 0.2;
const REGISTERED_AT_ONCE = 256;
/** Until the first round of keepalives has gone by and the code is compiled. */
const WARM_UP_MS = 6_000;
const TENTH_OF_A_CORE = 0.1;

/** Many sessions on one manager, each with its own keepalives: who loses its lease, and what it costs. */
export async function keepalives(rig: Rig, { sessions, seconds }: Size): Promise<Figure[]> {
  const router = rig.router();
  let expired = 0;
  rig.nats.subscribe(`${router.prefix}.${router.name}.event.expired`, {
    callback: () => expired++,
  });
  rig.say(`registering ${sessions} sessions`);
  const crowd = await registerCrowd(router, sessions);
  const keepers = crowd.map((session) => new Keeper(session));
  rig.say(`keeping them for ${seconds} s`);
  await lasting(WARM_UP_MS);
  for (const keeper of keepers) keeper.latencies.length = 0;
  const meter = rig.meter();
  await rig.redis.config('RESETSTAT');
  await lasting(seconds * 1000);
  const cores = { manager: meter.coresOf('manager'), redis: meter.coresOf('redis') };
  const nats = meter.coresOf('nats');
  const scripts = await scriptsOf(rig);
  for (const keeper of keepers) keeper.stop();
  const latencies = keepers.flatMap((keeper) => keeper.latencies);
  const failed = keepers.reduce((sum, keeper) => sum + keeper.failed, 0);
  const perSecond = latencies.length / seconds;
  return [
    { what: 'keepalives', value: perSecond, unit: '/s' },
    limited('leases lost', expired, '', 0),
    limited('keepalives refused or unanswered', failed, '', 0),
    limited('manager, of a core', cores.manager, 'cores', TENTH_OF_A_CORE),
    { what: 'manager, per keepalive', value: (cores.manager * 1e6) / perSecond, unit: 'µs' },
    { what: 'Redis, of a core', value: cores.redis, unit: 'cores' },
    { what: 'Redis, per keepalive', value: (cores.redis * 1e6) / perSecond, unit: 'µs' },
    {
      what: 'Redis, inside scripts, per keepalive',
      value: scripts.microseconds / latencies.length,
      unit: 'µs',
    },
    { what: 'keepalives of one script call', value: latencies.length / scripts.calls, unit: '' },
    { what: 'NATS, of a core', value: nats, unit: 'cores' },
    { what: 'answered within, p50', value: quantile(latencies, 0.5), unit: 'ms' },
    { what: 'answered within, p99', value: quantile(latencies, 0.99), unit: 'ms' },
  ];
}

/** What Redis says it did in scripts since its counters were set back. */
async function scriptsOf({ redis }: Rig): Promise<{ calls: number; microseconds: number }> {
  const stats = await redis.info('commandstats');
  const [, calls, microseconds] = /^cmdstat_evalsha:calls=(\d+),usec=(\d+)/m.exec(stats) ?? [];
  return { calls: Number(calls), microseconds: Number(microseconds) };
}

async function registerCrowd(router: RawRouter, count: number): Promise<RawSession[]> {
  const crowd: RawSession[] = [];
  await inFlight(count, REGISTERED_AT_ONCE, async (at) => {
    crowd.push(await router.register({ componentId: at + 1, ttlMs: TTL_MS }));
  });
  return crowd;
}

/** Keeps one session, from a moment on that is left to chance. */
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
