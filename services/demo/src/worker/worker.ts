import { parseArgs } from 'node:util';
import { connect } from '@mgm/client';
import { runIgmp } from './igmp.ts';
import { seededRandom } from './random.ts';
import { ROUTING, type RoutingName, runRouting } from './routing.ts';
import type { WorkerMessage } from './messages.ts';
import type { WorkerPlan } from './plan.ts';

/**
 * One protocol of the demo as a process: `--protocol PIM|DVMRP|IGMP --router NAME --seed N [--takeover]`, NATS in
 * `MGM_NATS_URL`. At SIGTERM or SIGINT it gives everything back and ends.
 */
async function main(): Promise<void> {
  const { protocol, router, seed, takeover } = readArguments();
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  const { signal } = stopping;
  await using mgm = await connect({
    servers: process.env['MGM_NATS_URL'] ?? 'nats://127.0.0.1:4222',
    router,
    signal,
  });
  const plan: WorkerPlan = { mgm, random: seededRandom(seed), takeover, signal, log, tell };
  if (protocol === 'IGMP') await runIgmp(plan);
  else await runRouting(protocol, plan);
}

interface Arguments {
  readonly protocol: RoutingName | 'IGMP';
  readonly router: string;
  readonly seed: number;
  readonly takeover: boolean;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      protocol: { type: 'string' },
      router: { type: 'string', default: 'demo' },
      seed: { type: 'string', default: '1' },
      takeover: { type: 'boolean', default: false },
    },
  });
  const { protocol = '' } = values;
  if (!isProtocol(protocol))
    throw new RangeError(`--protocol ${protocol}: must be PIM, DVMRP or IGMP`);
  return { ...values, protocol, seed: Number(values.seed) };
}

function isProtocol(name: string): name is RoutingName | 'IGMP' {
  return name === 'IGMP' || Object.hasOwn(ROUTING, name);
}

function tell(message: WorkerMessage): void {
  process.send?.(message);
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

await main();
// Ends without waiting for open handles.
process.exit(0);
