import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { isPlainMap, pack, unpack } from '../support/raw-codec.ts';
import { type Figure, ratio } from './figures.ts';
import { LeanBus } from './lean-bus.ts';
import { residentBytesOf } from './processes.ts';
import type { Rig } from './rig.ts';
import { repeated } from './rounds.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

const MEGABYTE = 1024 * 1024;
/** Far fewer than arrive with one read of the socket, so that the queue is full immediately. */
const ROOM = { MGM_BATCH_MAX: '64', MGM_QUEUE_MAX: '128' } as const;
const LONE = 100;
const AT_ONCE_AGAIN = 3;

/** Many more concurrent requests than a manager has room for: their replies, and the time until it is as fast as before. */
export async function overload(rig: Rig, { rounds, flood }: Size): Promise<Figure[]> {
  const fleet = await rig.fleet({ env: ROOM });
  const router = rig.router(fleet);
  const session = await router.register();
  ok(await session.take(1));
  const bus = rig.owned.use(new LeanBus(rig.nats));
  const ask = asker(bus, router);
  await lone(ask);
  const residentBefore = residentOf(fleet.pids);
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(
      `round ${round} of ${rounds}: ${flood} requests at once, room for ${ROOM.MGM_QUEUE_MAX}`,
    );
    const before = await lone(ask);
    const answers = await Promise.all(Array.from({ length: flood }, ask));
    const after = await lone(ask);
    const refused = answers.filter((reply) => reply['reason'] === 'overloaded');
    const told = refused.filter((reply) => Number(reply['retryAfterMs']) > 0);
    const served = answers.filter((reply) => reply['status'] === 0);
    return {
      served: served.length,
      refused: refused.length,
      untold: refused.length - told.length,
      else: flood - served.length - refused.length,
      before,
      after,
    };
  });
  const figure = (id: string, what: string, unit = ''): Figure => ({
    id: `overload.${id}`,
    what,
    unit,
    values: valuesOf(id),
  });
  const [before, after] = [
    figure('before', 'round trip before, p50', 'ms'),
    figure('after', 'round trip right after, p50', 'ms'),
  ];
  return [
    figure('served', `of ${flood} at once: served`),
    { ...figure('refused', 'refused as overloaded'), target: { atLeast: 1 } },
    { ...figure('untold', 'refused without a time to come back'), target: { atMost: 0 } },
    { ...figure('else', 'answered anything else'), target: { atMost: 0 } },
    before,
    after,
    ratio('overload.after/before', 'round trip right after / before', [after, before], {
      atMost: AT_ONCE_AGAIN,
    }),
    {
      id: 'overload.grown',
      what: 'manager grown by all of it',
      unit: 'MiB',
      values: [residentOf(fleet.pids) - residentBefore],
    },
  ];
}

type Ask = () => Promise<Readonly<Record<string, unknown>>>;

/** An `owner` request: sequenced requests would be limited by the window of their session. */
function asker(bus: LeanBus, router: RawRouter): Ask {
  const subject = `${router.prefix}.${router.name}.owner`;
  const request = pack({ ifIndex: 1 });
  return async () => {
    const reply = unpack(await bus.request(subject, request));
    return isPlainMap(reply) ? reply : {};
  };
}

async function lone(ask: Ask): Promise<number> {
  const latencies: number[] = [];
  for (let at = 0; at < LONE; at++) {
    const sentMono = performance.now();
    await ask();
    latencies.push(performance.now() - sentMono);
  }
  return quantile(latencies, 0.5);
}

function residentOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0) / MEGABYTE;
}
