import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '@mgm/devstack';
import type { Managers } from '@mgm/test-support';
import { headers, type NatsConnection } from '@mgm/nats';
import type { Chance } from '../../support/chance.ts';

/** The number of times each fault was injected. */
export type FaultCounts = Record<string, number>;

/** Breaks the connections at random until `signal` fires, and counts the faults. Resolves when all are healed. */
export async function breakNetwork(
  proxies: readonly TcpProxy[],
  chance: Chance,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(proxies.map((proxy) => breakLine(proxy, chance.fork(), counts, signal)));
}

async function breakLine(
  proxy: TcpProxy,
  chance: Chance,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await passed(chance.between(200, 3_000), signal);
    const name = chance.one(['delay', 'drop', 'dropReplies', 'cut', 'refuse'] as const);
    counts[name] = (counts[name] ?? 0) + 1;
    if (name === 'delay') proxy.latencyMs(chance.between(1, 60));
    // Held bytes that never arrive are a loss; removing some from a stream would only break its framing.
    if (name === 'drop') proxy.blackhole(chance.one(['to-server', 'to-client', 'both']));
    if (name === 'dropReplies') proxy.dropReplies();
    if (name === 'cut') proxy.reset();
    if (name === 'refuse') await proxy.refuse();
    await passed(chance.between(50, 1_000), signal);
    if (name === 'drop') proxy.reset();
    await proxy.heal();
  }
}

/** Kills managers, sometimes all of them, and starts new ones. Two are running when it resolves. */
export async function breakManagers(
  managers: Managers,
  chance: Chance,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  let alive = [...managers.running];
  const start = async (count: number): Promise<void> => {
    await managers.add(count);
    alive.push(...managers.running.slice(-count));
    counts['managerStarted'] = (counts['managerStarted'] ?? 0) + count;
  };
  while (!signal.aborted) {
    await passed(chance.between(500, 2_500), signal);
    const killed = chance.next() < 0.2 ? alive : [chance.one(alive)];
    counts['managerKilled'] = (counts['managerKilled'] ?? 0) + killed.length;
    alive = alive.filter((one) => !killed.includes(one));
    await Promise.all(killed.map((one) => one.kill()));
    await passed(chance.between(0, 1_000), signal);
    await start(killed.length);
  }
}

const COPY = 'Mgm-Test-Copy';
/** The largest number of pending copies. */
const COPIES_MAX = 1_000;

/** Publishes some of the managers' events, heads and callbacks again, up to two seconds late. */
export function repeatMessages(
  nats: NatsConnection,
  router: string,
  chance: Chance,
  counts: FaultCounts,
): Disposable {
  const waiting = new Set<NodeJS.Timeout>();
  const repeat = (subject: string, data: Uint8Array): void => {
    if (waiting.size >= COPIES_MAX || chance.next() > 0.1) return;
    const copy = headers();
    copy.set(COPY, '1');
    const timer = setTimeout(
      () => {
        waiting.delete(timer);
        counts['repeated'] = (counts['repeated'] ?? 0) + 1;
        nats.publish(subject, data, { headers: copy });
      },
      chance.between(0, 2_000),
    );
    waiting.add(timer);
  };
  const subjects = ['event.*', 'callback.*', 'head'].map((last) => `mgm.v1.${router}.${last}`);
  const subscriptions = subjects.map((subject) =>
    nats.subscribe(subject, {
      callback: (error, message) => {
        if (!error && !message.headers?.has(COPY)) repeat(message.subject, message.data.slice());
      },
    }),
  );
  return {
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
      for (const timer of waiting) clearTimeout(timer);
    },
  };
}

/** Waits for the duration of a fault or of the pause between two. */
async function passed(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
