import { setTimeout as delay } from 'node:timers/promises';
import { headers, type Msg, type NatsConnection } from 'nats';
import type { Chance } from '../../support/chance.ts';
import type { Fault } from './fault.ts';

const COPY = 'Mgm-Test-Copy';
/** Copies that wait at once. */
const COPIES_MAX = 1_000;

/**
 * Says what is said on the bus again, up to two seconds late, to the last byte the same: requests (another manager may get
 * the copy, and answers the requester twice), events, callbacks and beacons.
 */
export function repeatMessages(connect: () => Promise<NatsConnection>): Fault {
  return {
    name: 'bus-repeat',
    inject: async (chance) => {
      const nats = await connect();
      const ending = new AbortController();
      let repeated = 0;
      let waiting = 0;
      const repeat = async (message: Msg): Promise<void> => {
        if (message.headers?.has(COPY) || waiting >= COPIES_MAX || chance.next() > 0.2) return;
        const copy = headers();
        copy.set(COPY, '1');
        const { subject, reply } = message;
        const data = message.data.slice();
        waiting++;
        await late(chance, ending.signal);
        waiting--;
        if (nats.isClosed()) return;
        nats.publish(subject, data, { headers: copy, ...(reply !== undefined && { reply }) });
        repeated++;
      };
      nats.subscribe('mgm.v1.>', {
        callback: (error, message) => void (error ?? repeat(message)),
      });
      return {
        what: 'a fifth of all messages',
        heal: async () => {
          ending.abort();
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
