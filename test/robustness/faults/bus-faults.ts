import { setTimeout as delay } from 'node:timers/promises';
import { headers, type Msg, type NatsConnection } from '@mgm/nats';
import type { Chance } from '../../support/chance.ts';
import type { Fault } from './fault.ts';

const COPY = 'Mgm-Test-Copy';
/** The largest number of pending copies. */
const COPIES_MAX = 1_000;

/**
 * Publishes exact copies of messages on the bus, up to two seconds late: requests (another manager may get the copy, and the
 * requester then gets two replies), events, callbacks and heads.
 */
export function repeatMessages(connect: () => Promise<NatsConnection>): Fault {
  return {
    name: 'bus-repeat',
    inject: async (chance) => {
      const nats = await connect();
      const ending = new AbortController();
      const copies = new Set<Promise<void>>();
      let repeated = 0;
      const sayAgain = async ({ subject, reply, data }: Msg): Promise<void> => {
        const copy = headers();
        copy.set(COPY, '1');
        const bytes = data.slice();
        await late(chance, ending.signal);
        if (nats.isClosed()) return;
        nats.publish(subject, bytes, { headers: copy, ...(reply !== undefined && { reply }) });
        repeated++;
      };
      const repeat = (message: Msg): void => {
        if (message.headers?.has(COPY) || copies.size >= COPIES_MAX || chance.next() > 0.2) return;
        const saying = sayAgain(message).finally(() => copies.delete(saying));
        copies.add(saying);
      };
      nats.subscribe('mgm.v1.>', { callback: (error, message) => error ?? repeat(message) });
      return {
        what: 'a fifth of all messages',
        heal: async () => {
          // Pending copies are published now, so that a short fault also has an effect.
          ending.abort();
          await Promise.allSettled(copies);
          await nats.close();
        },
        bit: () => repeated > 0,
      };
    },
  };
}

async function late(chance: Chance, signal: AbortSignal): Promise<void> {
  await delay(chance.between(0, 2_000), undefined, { signal }).catch(() => {});
}
