import { randomUUID } from 'node:crypto';
import { connect, ProtocolId, type Session } from '@mgm/client';
import { type Figure, ratio } from './figures.ts';
import { startEcho } from './nats-peers.ts';
import { fencedTake } from './redis-locks.ts';
import type { Rig } from './rig.ts';
import { repeated, rotated } from './rounds.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

/** The latency of single requests, one after the other: a take, and the two round trips that it consists of. */
export async function roundTrip(rig: Rig, { rounds, lone, loneWarmUp }: Size): Promise<Figure[]> {
  const session = await openSession(rig);
  const echo = await startEcho(rig);
  const prefix = `${randomUUID()}:`;
  const fenced = await fencedTake(rig.redis, prefix);
  let key = 0;
  let ifIndex = 0;
  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['take', () => session.takeInterfaceOwnership({ ifIndex: ++ifIndex })],
    ['echo', () => echo.once()],
    ['evalsha', () => fenced(`${prefix}${key++}`)],
  ];
  rig.say(`warming up by ${loneWarmUp} of each`);
  for (const [, way] of ways) await latenciesOf(loneWarmUp, way);
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(`round ${round} of ${rounds}`);
    const measured: Record<string, number> = {};
    for (const [name, way] of rotated(ways, round)) {
      const latencies = await latenciesOf(lone, way);
      measured[`${name}.p50`] = quantile(latencies, 0.5);
      measured[`${name}.p99`] = quantile(latencies, 0.99);
    }
    return { ...measured, trips: (measured['echo.p50'] ?? 0) + (measured['evalsha.p50'] ?? 0) };
  });
  const figure = (name: string, what: string): Figure => ({
    id: `round-trip.${name}`,
    what,
    unit: 'ms',
    values: valuesOf(name),
  });
  const p50 = figure('take.p50', 'take by the client library, p50');
  const p99 = figure('take.p99', 'take by the client library, p99');
  const trips = figure('trips', 'NATS echo p50 + EVALSHA p50');
  return [
    p50,
    p99,
    figure('echo.p50', 'NATS echo, p50'),
    figure('echo.p99', 'NATS echo, p99'),
    figure('evalsha.p50', 'EVALSHA of a fenced lock, p50'),
    trips,
    ratio('round-trip.take/trips', 'take p50 / (echo + EVALSHA)', [p50, trips], { atMost: 3 }),
    ratio('round-trip.p99/p50', 'take p99 / p50', [p99, p50], { atMost: 3 }),
  ];
}

async function openSession(rig: Rig): Promise<Session> {
  const fleet = await rig.fleet();
  const mgm = rig.owned.use(
    await connect({
      servers: rig.natsServer.url,
      router: rig.router(fleet).name,
      prefix: fleet.prefix,
    }),
  );
  return mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
}

async function latenciesOf(count: number, way: () => Promise<unknown>): Promise<number[]> {
  const latencies: number[] = [];
  for (let at = 0; at < count; at++) {
    const startedMono = performance.now();
    await way();
    latencies.push(performance.now() - startedMono);
  }
  return latencies;
}
