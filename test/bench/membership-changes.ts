import { randomUUID } from 'node:crypto';
import { connect, ProtocolId } from '@mgm/client';
import { StorageType } from '@mgm/nats';
import { Redis } from 'ioredis';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE } from './own-takes.ts';
import type { Rig } from './rig.ts';

/** 225.0.0.0. */
const FIRST_GROUP = 0xe1_00_00_00;
const INTERFACE = 1;

/** The group with this number, as a u32. */
export function groupAt(at: number): number {
  return FIRST_GROUP + at;
}

/** Adds `count` memberships and deletes them; resolves to the changes per second. */
export type Changes = (count: number) => Promise<number>;

type Change = (at: number) => Promise<unknown>;

function rateOf(add: Change, remove: Change): Changes {
  return (count) =>
    perSecond(2 * count, async () => {
      await inFlight(count, AT_ONCE, async (at) => void (await add(at)));
      await inFlight(count, AT_ONCE, async (at) => void (await remove(at)));
    });
}

/** A Redis set per group, and a message per change, as a program would write it without MGM. */
export function redisSets(rig: Rig): Changes {
  const redis = new Redis(rig.redisServer.url);
  rig.owned.defer(() => redis.disconnect());
  const prefix = `sets:${randomUUID()}:`;
  const member = `pim:${INTERFACE}`;
  return rateOf(
    (at) => Promise.all([redis.sadd(`${prefix}${at}`, member), redis.publish(prefix, `+${at}`)]),
    (at) => Promise.all([redis.srem(`${prefix}${at}`, member), redis.publish(prefix, `-${at}`)]),
  );
}

/** A key of the NATS key-value store, in memory, per membership. */
export async function natsKvKeys({ nats }: Rig): Promise<Changes> {
  const options = { history: 1, storage: StorageType.Memory };
  const bucket = await nats.jetstream().views.kv('memberships', options);
  const value = new Uint8Array();
  const key = (at: number): string => `${at}.pim.${INTERFACE}`;
  return rateOf(
    (at) => bucket.put(key(at), value),
    (at) => bucket.delete(key(at)),
  );
}

/** One call of the client library per change, gathered by it into bulk requests. */
export async function throughLibrary(rig: Rig, fleet: Fleet): Promise<Changes> {
  const { prefix } = fleet;
  const router = rig.router(fleet).name;
  const mgm = rig.owned.use(await connect({ servers: rig.natsServer.url, router, prefix }));
  const session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  await session.takeInterfaceOwnership({ ifIndex: INTERFACE });
  const refOf = (at: number) => ({ ifIndex: INTERFACE, group: groupAt(at) });
  return rateOf(
    (at) => session.addGroupMembershipEntry(refOf(at)),
    (at) => session.deleteGroupMembershipEntry(refOf(at)),
  );
}

/** One message per change. */
export async function onePerMessage(rig: Rig, fleet: Fleet): Promise<Changes> {
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  await session.takeMany(INTERFACE);
  return rateOf(
    (at) => session.changeMembership('member.add', INTERFACE, groupAt(at)),
    (at) => session.changeMembership('member.delete', INTERFACE, groupAt(at)),
  );
}

/** 256 changes per message. */
export async function manyPerMessage(rig: Rig, fleet: Fleet): Promise<Changes> {
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  await session.takeMany(INTERFACE);
  return (count) => {
    const all = Array.from({ length: count }, (_, at) => [INTERFACE, groupAt(at)] as const);
    return perSecond(2 * count, async () => {
      await session.changeMemberships('member.add', all);
      await session.changeMemberships('member.delete', all);
    });
  };
}
