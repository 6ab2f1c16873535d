import { newInstance, Protocols, type RawRouter } from '../support/raw-client.ts';
import { isPlainMap, unpack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';
import { Bystanders } from './bystanders.ts';
import type { Fleet } from './fleet.ts';
import { type Element, LeanSession } from './lean-session.ts';
import { lasting } from './load.ts';
import { groupAt } from './membership-changes.ts';
import type { Rig } from './rig.ts';
import type { Measured } from './rounds.ts';
import { ScriptTimes } from './script-times.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

const INTERFACE = 1;
const LOOK_EVERY_MS = 5;
/** Far above any duration measured here. */
const GIVE_UP_AFTER_MS = 120_000;
/** The owner acknowledges its mailbox after this many alert items, far below the 65 536 that a mailbox keeps. */
const ACKNOWLEDGE_EVERY = 8192;
const SHORT_TTL_MS = 1_000;
const LONG_GRACE_MS = 60_000;
const RESTARTED_MAX = 10_000;
const ALL_ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE'];

function elements(count: number): Element[] {
  return Array.from({ length: count }, (_, at): Element => [INTERFACE, groupAt(at)]);
}

/** A worker with many memberships ends while others take and release: until its alerts and events are written. */
export async function death(
  rig: Rig,
  fleet: Fleet,
  { memberships, settleSeconds }: Size,
  width: number,
): Promise<Measured> {
  const router = rig.router(fleet);
  using dying = await LeanSession.register(router);
  using listening = await LeanSession.register(router, 2, { alerts: ALL_ALERTS });
  await dying.takeMany(INTERFACE);
  await dying.changeMemberships('member.add', elements(memberships));
  await using others = await Bystanders.start(router, width);
  await using scripts = await ScriptTimes.start(rig.redis);
  await lasting(settleSeconds * 1000);
  await scripts.forget();
  const beganMono = performance.now();
  await dying.deregister();
  await untilNothingIsLeft(router, listening.raw.handle);
  const endedMono = performance.now();
  await others.stop();
  const { before, during } = {
    before: others.latencies(-Infinity, beganMono),
    during: others.latencies(beganMono, endedMono),
  };
  const slices = await scripts.ofSweeps();
  return {
    settled: endedMono - beganMono,
    slice: quantile(slices, 0.99),
    slower: width === 0 ? 1 : quantile(during, 0.99) / quantile(before, 0.99),
  };
}

/** Polls: a watcher of all events would need a core of this machine. */
async function untilNothingIsLeft(router: RawRouter, handle: string): Promise<void> {
  const giveUpMono = performance.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    const page: unknown = ok(await router.request('groups', { handle, limit: 1 }));
    if (isPlainMap(page) && page['settled'] === page['rev']) return;
    if (performance.now() > giveUpMono) throw new Error('memberships are still withdrawn');
    await lasting(LOOK_EVERY_MS);
  }
}

/** A routing protocol takes an interface with IGMP's groups on it, which IGMP adds again after `ENABLE_IGMP`. */
export async function window(rig: Rig, fleet: Fleet, { memberships }: Size): Promise<Measured> {
  const router = rig.router(fleet);
  using igmp = await LeanSession.register(router, 1, { protocolId: Protocols.igmp });
  await igmp.takeMany(INTERFACE);
  const all = elements(memberships);
  await igmp.changeMemberships('member.add', all);
  // Registered now: before, its mailbox would have overflowed with one JOIN_ALERT for each group.
  using owner = await LeanSession.register(router, 2, { alerts: ALL_ALERTS });
  const enabled = firstCallback(router, igmp, 'ENABLE_IGMP');
  const joined = countedJoins(router, owner, memberships);
  await router.nats.flush();
  await owner.takeMany(INTERFACE);
  await enabled;
  const enabledMono = performance.now();
  await igmp.changeMemberships('member.add', all);
  const answeredMono = performance.now();
  await joined;
  return {
    joined: performance.now() - enabledMono,
    answered: answeredMono - enabledMono,
  };
}

function firstCallback(router: RawRouter, { raw }: LeanSession, type: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = router.nats.subscribe(callbacksOf(router, raw.session), {
    callback: (_, { data }) => {
      const message = unpack(data);
      if (!isPlainMap(message) || message['type'] !== type) return;
      subscription.unsubscribe();
      resolve();
    },
  });
  return promise;
}

/** Resolves when the session has received this many items of LOCAL_JOIN; acknowledges all alerts meanwhile. */
function countedJoins(router: RawRouter, { raw }: LeanSession, wanted: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let [joined, unacknowledged] = [0, 0];
  const subscription = router.nats.subscribe(callbacksOf(router, raw.session), {
    callback: (_, { data }) => {
      const message = unpack(data);
      if (!isPlainMap(message)) return;
      if (message['type'] === 'RESYNC') reject(new Error('the mailbox of the owner overflowed'));
      if (!Array.isArray(message['items'])) return;
      const { length } = message['items'];
      unacknowledged += length;
      if (unacknowledged >= ACKNOWLEDGE_EVERY) {
        unacknowledged = 0;
        raw.keepalive({ mailboxAck: message['seq'] }).catch(reject);
      }
      if (message['type'] === 'LOCAL_JOIN') joined += length;
      if (joined < wanted) return;
      subscription.unsubscribe();
      resolve();
    },
  });
  return promise;
}

function callbacksOf({ prefix, name }: RawRouter, session: number): string {
  return `${prefix}.${name}.callback.${session}`;
}

/** A worker with many groups is restarted within its grace time: how long its `register` takes, and what others notice. */
export async function restart(rig: Rig, fleet: Fleet, { memberships }: Size): Promise<Measured> {
  const router = rig.router(fleet);
  const count = Math.min(RESTARTED_MAX, memberships);
  const listening = await router.register({ componentId: 2, alerts: ALL_ALERTS });
  const lease = { ttlMs: SHORT_TTL_MS, graceMs: LONG_GRACE_MS };
  const former = await LeanSession.register(router, 1, lease);
  await former.takeMany(INTERFACE);
  await former.changeMemberships('member.add', elements(count));
  former[Symbol.dispose]();
  const { mailbox } = ok(await listening.keepalive());
  await untilStale(router);
  const began = performance.now();
  const fields = { componentId: 1, instance: newInstance(), ...lease, ttlMs: LONG_GRACE_MS };
  const { registered } = await router.register(fields);
  const tookMs = performance.now() - began;
  if (registered.resumed !== true) throw new Error('the session was not resumed');
  const alone = performance.now();
  ok(await router.owner(INTERFACE));
  const roundTripMs = performance.now() - alone;
  const { members } = await membersOf(router, registered.session);
  if (members === 0) throw new Error('the memberships were not inherited');
  const after = ok(await listening.keepalive()).mailbox;
  return { register: tookMs, trip: roundTripMs, alerts: after - mailbox };
}

async function membersOf(router: RawRouter, session: number): Promise<{ members: number }> {
  const { items } = ok(await router.request('members', { session, limit: 1 }));
  return { members: items.length };
}

async function untilStale(router: RawRouter): Promise<void> {
  const giveUpMono = performance.now() + GIVE_UP_AFTER_MS;
  while (performance.now() < giveUpMono) {
    const { events } = ok(await router.request('events', { from: 0, limit: 1000 }));
    if (events.some(({ type }) => type === 'stale')) return;
    await lasting(LOOK_EVERY_MS);
  }
  throw new Error('the lease did not end');
}
