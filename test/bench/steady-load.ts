import { connect, ProtocolId } from '@mgm/client';
import type { Figure } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import { startEcho } from './nats-peers.ts';
import { openLoop } from './open-loop.ts';
import { AT_ONCE } from './own-takes.ts';
import type { Rig } from './rig.ts';
import { repeated } from './rounds.ts';
import type { Size } from './size.ts';
import { median, quantile } from './statistics.ts';

const PARTS = { p50: 0.5, p99: 0.99, 'p99.9': 0.999 } as const;
/** On two shared cores even the NATS echo has a p99 above 5 ms. */
const P99_MS = 50;

/** A way to take interfaces, and to release all of them. */
interface Way {
  readonly id: string;
  readonly what: string;
  readonly take: (ifIndex: number) => Promise<void>;
  readonly releaseUpTo: (count: number) => Promise<void>;
  /** Reported without a target. */
  readonly isBareLimit?: true;
}

/**
 * Takes at half of the maximum rate: the latency of each from the time at which it was due. In parallel, at the same rate, messages
 * to an echo, which show the delays of the machine itself.
 */
export async function steadyLoad(rig: Rig, size: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const client = await clientWay(rig, fleet);
  const message = await messageWay(rig, fleet);
  const echo = await echoWay(rig);
  const ways = [client, message, echo];
  const rates = new Map<Way, number>();
  for (const way of [client, message]) rates.set(way, await halfOfMost(rig, way, size));
  rates.set(echo, rates.get(message) ?? 1);
  const valuesOf = await repeated(size.rounds, async (round) => {
    rig.say(`round ${round} of ${size.rounds}`);
    const all: Record<string, number> = {};
    for (const way of ways) {
      const latencies = await oneRound(way, rates.get(way) ?? 1, size.openLoopSeconds);
      for (const [name, part] of Object.entries(PARTS)) {
        all[`${way.id}.${name}`] = quantile(latencies, part);
      }
    }
    return all;
  });
  return ways.flatMap((way) => figuresOf(way, rates.get(way) ?? 0, valuesOf));
}

function figuresOf(
  { id, what, isBareLimit }: Way,
  rate: number,
  valuesOf: (name: string) => number[],
): Figure[] {
  const latencies = Object.keys(PARTS).map((name): Figure => ({
    id: `steady.${id}.${name}`,
    what: `${what}, ${name}`,
    unit: 'ms',
    values: valuesOf(`${id}.${name}`),
    ...(name === 'p99' && !isBareLimit && { target: { atMost: P99_MS } }),
  }));
  const which = isBareLimit ? 'as often' : 'half of the most';
  return [
    { id: `steady.${id}.rate`, what: `${what}, ${which}`, unit: '/s', values: [rate] },
    ...latencies,
  ];
}

/** The median of the full-speed runs, one per round, after a warm-up. */
async function halfOfMost(rig: Rig, way: Way, { takes, rounds }: Size): Promise<number> {
  const rates: number[] = [];
  for (let run = 0; run <= rounds; run++) {
    const rate = await perSecond(takes, () => inFlight(takes, AT_ONCE, (at) => way.take(at + 1)));
    await way.releaseUpTo(takes);
    if (run > 0) rates.push(rate);
  }
  rig.say(`${way.what}: at most ${Math.round(median(rates))}/s`);
  return median(rates) / 2;
}

async function oneRound(way: Way, rate: number, seconds: number): Promise<Float64Array> {
  const count = Math.ceil(rate * seconds);
  const request = (at: number): Promise<void> => way.take(at + 1);
  const latencies = await openLoop({ perSecond: rate, count, request });
  await way.releaseUpTo(count);
  return latencies;
}

async function clientWay(rig: Rig, fleet: Fleet): Promise<Way> {
  const { prefix } = fleet;
  const router = rig.router(fleet).name;
  const mgm = rig.owned.use(await connect({ servers: rig.natsServer.url, router, prefix }));
  const session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  return {
    id: 'client',
    what: 'client library',
    take: async (ifIndex) => void (await session.takeInterfaceOwnership({ ifIndex })),
    releaseUpTo: async (count) => {
      const all = Array.from({ length: count }, (_, at) => ({ ifIndex: at + 1 }));
      for (let done = 0; done < count; done += RELEASED_AT_ONCE) {
        await session.releaseInterfaces(all.slice(done, done + RELEASED_AT_ONCE));
      }
    },
  };
}

const RELEASED_AT_ONCE = 32_768;

async function messageWay(rig: Rig, fleet: Fleet): Promise<Way> {
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  return {
    id: 'single',
    what: 'one per message',
    take: (ifIndex) => session.take(ifIndex),
    releaseUpTo: (count) => session.releaseMany(count),
  };
}

async function echoWay(rig: Rig): Promise<Way> {
  const echo = await startEcho(rig);
  return {
    id: 'echo',
    what: 'bare limit: NATS echo',
    take: () => echo.once(),
    releaseUpTo: async () => {},
    isBareLimit: true,
  };
}
