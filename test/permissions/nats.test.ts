import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectMgm, type Mgm, ProtocolId } from '@mgm/client';
import { decodeMessage, encodeMessage } from '@mgm/protocol';
import { freePort, type RunningServer, startNats, startRedis } from '@mgm/devstack';
import { connect, type NatsConnection } from '@mgm/nats';
import { eventually, startManager, startManagers, TestProcess } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import {
  natsConfig,
  natsUsers,
  needsProcesses,
  redisCommands,
  type NatsUser,
} from './documented.ts';

const choice = inject('servers');
const MGMCTL = 'packages/mgmctl/src/main.ts';
const WITHIN_MS = 3_000;
/** The upstream router that workers choose when they are asked. */
const UPSTREAM = '10.0.0.9';
const EMPTY_MAP = Uint8Array.of(0x80);

const users = natsUsers();
const manager = userOf('manager');
const worker = userOf('pim-1');
const watcher = userOf('watcher');
const operator = userOf('operator');

function userOf(name: string): NatsUser {
  const found = users.find(({ user }) => user === name);
  if (!found) throw new Error(`docs/permissions.md has no NATS user ${name}`);
  return found;
}

/** A second worker, with the permissions of the first under its own name. */
const igmp: NatsUser = {
  ...worker,
  user: 'igmp-1',
  subscribe: worker.subscribe.map((subject) => subject.replace('pim-1', 'igmp-1')),
};

function without(user: NatsUser, subject: string): NatsUser {
  const others = (list: readonly string[]): string[] => list.filter((one) => one !== subject);
  return { ...user, subscribe: others(user.subscribe), publish: others(user.publish) };
}

function textOf({ user, password, subscribe, publish, allowResponses }: NatsUser): string {
  const permissions =
    `allow_responses: ${allowResponses}, ` +
    `subscribe: ${JSON.stringify(subscribe)}, publish: ${JSON.stringify(publish)}`;
  return `{ user: "${user}", password: "${password}", permissions: { ${permissions} } }`;
}

async function startNatsWith(config: string): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'mgm-permissions-'));
  const file = join(folder, 'nats-server.conf');
  await writeFile(file, config);
  try {
    return await startNats(choice, { args: ['-c', file] });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function urlOf(nats: RunningServer, { user, password }: NatsUser): string {
  return nats.url.replace('nats://', `nats://${user}:${password}@`);
}

function inboxOf({ user }: NatsUser): string {
  const [original = ''] = user.split('-without-');
  return original === operator.user ? '_INBOX' : `_INBOX.${original}`;
}

function mgmAs(nats: RunningServer, user: NatsUser, inboxPrefix = inboxOf(user)): Promise<Mgm> {
  const { user: name, password: pass } = user;
  return connectMgm({
    servers: nats.url,
    router: 'r1',
    user: name,
    pass,
    deadlineMs: WITHIN_MS,
    natsOptions: { inboxPrefix },
  });
}

async function mgmctl(nats: RunningServer, ...args: string[]) {
  const options = ['--nats', urlOf(nats, operator), '--router', 'r1', '--timeout', '2s'];
  await using program = TestProcess.node(MGMCTL, [...options, ...args]);
  program.child.stdin?.end();
  return await program.ended();
}

/** The first value that an iteration gives, in time. */
async function first<T>(open: (signal: AbortSignal) => AsyncIterable<T>): Promise<T> {
  const signal = AbortSignal.timeout(WITHIN_MS);
  for await (const value of open(signal)) return value;
  throw new Error('nothing arrived in time');
}

interface Roles {
  readonly pim?: NatsUser;
  readonly igmp?: NatsUser;
  readonly watcher?: NatsUser;
}

/** What workers and watchers do, through the client library, on an interface. Rejects if some of it is not possible. */
async function useRouter(nats: RunningServer, ifIndex: number, roles: Roles = {}): Promise<void> {
  await using pimMgm = await mgmAs(nats, roles.pim ?? worker);
  await using igmpMgm = await mgmAs(nats, roles.igmp ?? igmp);
  await using looking = await mgmAs(nats, roles.watcher ?? watcher);
  const called: string[] = [];
  await using pim = await pimMgm.registerProtocol({
    protocolId: ProtocolId.PIM,
    componentId: ifIndex,
    ttlMs: 3000,
  });
  await using hosts = await igmpMgm.registerProtocol({
    protocolId: ProtocolId.IGMP,
    componentId: ifIndex,
    onDisableIgmp: () => void called.push('DISABLE_IGMP'),
    onEnableIgmp: () => void called.push('ENABLE_IGMP'),
  });
  await hosts.takeInterfaceOwnership({ ifIndex });
  const event = await watch(looking, ifIndex);
  const ownership = await pim.takeInterfaceOwnership({ ifIndex });
  await eventually(() => expect(called).toEqual(['DISABLE_IGMP', 'ENABLE_IGMP']), {
    withinMs: WITHIN_MS,
  });
  await event();
  await look(pimMgm, ifIndex);
  await look(looking, ifIndex);
  await first((signal) => looking.heads({ signal }));
  await useMemberships(nats, 1000 + ifIndex, roles);
  // A keepalive moves the deadline.
  const leftMs = pim.deadlineInMs;
  await eventually(() => expect(pim.deadlineInMs).toBeGreaterThan(leftMs), { withinMs: 4_000 });
  await ownership.release();
  await pim.deregister();
}

/** What workers and watchers do with memberships and routes, without the client library. */
async function useMemberships(
  nats: RunningServer,
  ifIndex: number,
  roles: Pick<Roles, 'pim' | 'watcher'>,
): Promise<void> {
  const { pim = worker, watcher: looker = watcher } = roles;
  const looking = await connectAs(nats, looker);
  const joined = 'mgm.v1.r1.membership.joined';
  if (!(await maySubscribe(looking, joined))) throw new Error(`denied: ${joined}`);
  const working = await connectAs(nats, pim);
  try {
    const ask = asker(working);
    const instance = `permissions-${ifIndex}`.padEnd(16, '-');
    const alerts = ['RPF', 'WRONG_IF'];
    const client = { protocolId: 104, componentId: ifIndex, instance, alerts };
    const { handle, session } = await ask('register', client);
    answerQuestions(working, Number(session));
    await ask('take', { handle, seq: 1, ack: 1, ifIndex });
    await ask('member.add', { handle, seq: 2, ack: 2, ifIndex, group: '239.1.1.1' });
    await ask('interface.set', { handle, seq: 3, ack: 3, ifIndex, wrongIf: true });
    await ask('groups', { handle });
    // A prefix of its own, since users of several roles do this at the same time.
    const network = `10.${ifIndex >> 8}.${ifIndex & 0xff}.0`;
    const routes = [[network, 24, ifIndex, '', '', 104]];
    await ask('rib.set', { handle, seq: 4, ack: 4, routes });
    const source = network.replace(/0$/, '1');
    await useFlows(working, handle, source);
    await receiveHint(working, handle, Number(session), [source, ifIndex]);
    await ask('members', {});
    const read = asker(looking);
    await read('members', {});
    await read('member.events', { from: 0 });
    await read('rib.list', {});
    await read('rib.resolve', { source: network });
    await ask('deregister', { handle, seq: 6, ack: 6, force: true });
  } finally {
    await working.close();
    await looking.close();
  }
}

/** What agents do: a flow gets a forwarding entry, and its push arrives. */
async function useFlows(working: NatsConnection, handle: unknown, source: string): Promise<void> {
  const ask = asker(working);
  const pushes = working.subscribe('mgm.v1.r1.mfe', { max: 1, timeout: WITHIN_MS });
  const flow = { group: '239.1.1.1', source };
  await ask('flow.new', { handle, flows: [[flow.group, flow.source, 1, '']] });
  for await (const _ of pushes) break;
  const { mfe } = await ask('mfe.get', flow);
  expect(mfe).toMatchObject({ upstream: UPSTREAM });
  await ask('mfe.set', { handle, seq: 5, ack: 5, ...flow, upstream: '10.0.0.2' });
  await ask('fib', { from: 0 });
  await ask('mfe.stats', flow);
  await ask('agents', {});
}

/** A hint about packets on an interface of the session arrives. */
async function receiveHint(
  working: NatsConnection,
  handle: unknown,
  session: number,
  [source, ifIndex]: readonly [string, number],
): Promise<void> {
  const options = { max: 1, timeout: WITHIN_MS };
  const hints = working.subscribe(`mgm.v1.r1.hint.${session}`, options);
  await asker(working)('flow.wrongif', { handle, items: [['239.1.1.1', source, ifIndex, '', 1]] });
  for await (const _ of hints) break;
}

/** Answers questions about new flows with an upstream router. */
function answerQuestions(working: NatsConnection, session: number): void {
  working.subscribe(`mgm.v1.r1.ask.${session}`, {
    callback: (error, message) => {
      if (error === null) message.respond(encodeMessage({ upstream: UPSTREAM }));
    },
  });
}

/** Sends requests over a connection; rejects unless the reply has status 0. */
function asker(nc: NatsConnection) {
  return async (operation: string, fields: object): Promise<Readonly<Record<string, unknown>>> => {
    const payload = encodeMessage({ ...fields });
    const { data } = await nc.request(`mgm.v1.r1.${operation}`, payload, { timeout: WITHIN_MS });
    const decoded = decodeMessage(data);
    const reply = decoded.kind === 'message' ? decoded.value : {};
    if (reply['status'] !== 0) throw new Error(`${operation}: ${JSON.stringify(decoded)}`);
    return reply;
  };
}

/** Watches an interface from its present state on; the function waits for an event. */
async function watch(mgm: Mgm, ifIndex: number): Promise<() => Promise<void>> {
  const signal = AbortSignal.timeout(2 * WITHIN_MS);
  const sightings = mgm.watch({ signal, interface: { ifIndex } });
  await sightings.next();
  return async () => {
    for await (const { kind } of sightings) if (kind === 'event') return;
    throw new Error('no event arrived in time');
  };
}

async function look(mgm: Mgm, ifIndex: number): Promise<void> {
  const { epoch } = await mgm.getProtocolOnInterface({ ifIndex });
  await mgm.validateEpoch({ ifIndex, epoch });
  await first((signal) => mgm.interfaces({ signal }));
  await first((signal) => mgm.sessions({ signal }));
  await mgm.events(0);
}

/** What operators look at in mgmctl and the console, besides what every watcher does. */
async function steer(mgm: Mgm, ifIndex: number): Promise<void> {
  const { group, source } = await first((signal) => mgm.mfes({ signal }));
  await mgm.getMfe({ group, source });
  await mgm.getMfeStats({ group, source });
  await mgm.resolveRoute(source);
  await first((signal) => mgm.routes({ signal }));
  await first((signal) => mgm.agentPages({ signal }));
  const by = { actor: 'operator', why: 'test' };
  await mgm.adminSetInterface({ ifIndex, maxGroups: 9, ...by });
  await mgm.adminAddMembership({ ifIndex, group: '239.2.2.2', ...by });
}

describe('the NATS users of docs/permissions.md', () => {
  it('are enough for managers, workers, a watcher and mgmctl, with the Redis user', async (context) => {
    needsProcesses(context);
    await using redis = await startRedis(choice);
    const admin = new Redis(redis.url);
    for (const [, ...words] of redisCommands()) await admin.call('ACL', ...words);
    admin.disconnect();
    const more = `${textOf(igmp)}\n  ]\n}`;
    await using nats = await startNatsWith(natsConfig().replace(/\]\s*\}\s*$/, more));
    const url = redis.url.replace('redis://', 'redis://manager:manager-secret@');
    const servers = { nats: { url: urlOf(nats, manager) }, redis: { url } };
    await using managers = await startManagers(2, servers);
    await useRouter(nats, 7);

    const lost = Promise.withResolvers<string>();
    await using mgm = await mgmAs(nats, worker);
    await using session = await mgm.registerProtocol({
      protocolId: ProtocolId.PIM,
      componentId: 2,
      onOwnershipLost: ({ cause }) => lost.resolve(cause),
    });
    await session.takeInterfaceOwnership({ ifIndex: 8 });
    const doctor = await mgmctl(nats, 'doctor');
    expect(doctor).toMatchObject({ code: 0, stderr: '' });
    expect(doctor.stdout).not.toMatch(/^(FAIL|note {2}(?!durability|identities))/m);
    await session.addGroupMembershipEntry({ ifIndex: 8, group: '239.1.1.1' });
    await session.setRoutes([{ network: '10.8.0.0', length: 16, ifIndex: 8 }]);
    await session.reportFlows([{ group: '239.1.1.1', source: '10.8.0.1', ifIndex: 8 }]);
    for (const args of [
      ...[['interfaces'], ['sessions'], ['owner', '8'], ['history', '8'], ['groups'], ['members']],
      ['watch', '--memberships', '--from', '0', '--count', '1'],
    ]) {
      expect(await mgmctl(nats, ...args)).toMatchObject({ code: 0, stderr: '' });
    }
    await using noc = await mgmAs(nats, operator);
    await steer(noc, 8);
    expect(await mgmctl(nats, 'release', '8', '--why', 'test', '--yes')).toMatchObject({ code: 0 });
    expect(await lost.promise).toBe('admin');
    const evicted = await mgmctl(nats, 'evict', String(session.id), '--why', 'test', '--yes');
    expect(evicted).toMatchObject({ code: 0 });
    for (const one of managers.running) expect(one.output()).not.toMatch(/violation|permission/i);
  });

  it('keep workers from operations, inboxes and subjects of others', async (context) => {
    needsProcesses(context);
    await using redis = await startRedis(choice);
    await using nats = await startNatsWith(natsConfig());
    await using _managers = await startManagers(1, {
      redis,
      nats: { url: urlOf(nats, manager) },
    });
    await using mgm = await mgmAs(nats, worker);
    const target = { session: 1, actor: 'worker', why: 'may I?' } as never;
    await expect(mgm.adminEvict(target)).rejects.toMatchObject({ reason: 'not-permitted' });
    const limits = { ifIndex: 7, maxGroups: 1, actor: 'worker', why: 'may I?' };
    await expect(mgm.adminSetInterface(limits)).rejects.toMatchObject({ reason: 'not-permitted' });
    const nc = await connectAs(nats, worker);
    for (const subject of [
      '_INBOX.>',
      '_INBOX.igmp-1.x',
      'mgm.v1.r2.callback.1',
      'mgm.v1.*.take',
    ]) {
      expect(await maySubscribe(nc, subject), subject).toBe(false);
    }
    for (const subject of ['mgm.v1.r1.head', 'mgm.v1.r1.event.taken', 'mgm.v1.r1.callback.1']) {
      expect(await mayPublish(nc, subject), subject).toBe(false);
    }
    await nc.close();
  });

  it('need every subject of a worker and of a watcher', async (context) => {
    needsProcesses(context);
    const roles: Roles[] = [
      ...variantsOf(worker).map((pim) => ({ pim })),
      ...variantsOf(watcher).map((one) => ({ watcher: one })),
    ];
    const variants = roles.flatMap((role): NatsUser[] => Object.values(role));
    const config = usersOf(manager, worker, igmp, watcher, ...variants);
    await using nats = await startNatsWith(`authorization ${config}`);
    await using redis = await startRedis(choice);
    await using _manager = await startManager({ redis, nats: { url: urlOf(nats, manager) } });
    await useRouter(nats, 1);
    const used = await Promise.allSettled(roles.map((role, at) => useRouter(nats, 2 + at, role)));
    expect(missingOf(variants, used, worker, watcher)).toEqual([
      // Without it, callbacks are read from the mailbox after the next keepalive.
      'mgm.v1.r1.callback.*',
      // Read only if a callback was lost.
      'mgm.v1.r1.mailbox',
      // Without it, events are read from the log after the next head.
      'mgm.v1.r1.event.*',
    ]);
  });

  it('need responses of a worker, to answer questions', async (context) => {
    needsProcesses(context);
    const mute = { ...worker, allowResponses: false, user: `${worker.user}-without-responses` };
    const config = usersOf(manager, worker, mute, igmp, watcher);
    await using nats = await startNatsWith(`authorization ${config}`);
    await using redis = await startRedis(choice);
    await using _manager = await startManager({ redis, nats: { url: urlOf(nats, manager) } });
    await useMemberships(nats, 1001, {});
    await expect(useMemberships(nats, 1002, { pim: mute })).rejects.toThrow(UPSTREAM);
  });

  it('need every subject of an operator', async (context) => {
    needsProcesses(context);
    const variants = variantsOf(operator);
    const config = usersOf(manager, worker, igmp, watcher, operator, ...variants);
    await using nats = await startNatsWith(`authorization ${config}`);
    await using redis = await startRedis(choice);
    await using _manager = await startManager({ redis, nats: { url: urlOf(nats, manager) } });
    await using pim = await mgmAs(nats, worker);
    await using session = await pim.registerProtocol({
      protocolId: ProtocolId.PIM,
      componentId: 1,
    });
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    await session.setRoutes([{ network: '10.8.0.0', length: 16, ifIndex: 7 }]);
    await session.reportFlows([{ group: '239.1.1.1', source: '10.8.0.1', ifIndex: 7 }]);
    const operate = async (user: NatsUser, ifIndex: number): Promise<void> => {
      await using mgm = await mgmAs(nats, user);
      await look(mgm, 7);
      await first((signal) => mgm.heads({ signal }));
      const event = await watch(mgm, ifIndex);
      await session.takeInterfaceOwnership({ ifIndex });
      await event();
      expect(await mgm.replicas()).toHaveLength(1);
      await useMemberships(nats, 1000 + ifIndex, { watcher: user });
      await Array.fromAsync(mgm.groups());
      const noSession = { session: 1, actor: 'test', why: 'test' } as never;
      await expect(mgm.adminEvict(noSession)).rejects.toMatchObject({ reason: 'not-found' });
      await steer(mgm, 7);
    };
    await operate(operator, 8);
    const used = await Promise.allSettled(variants.map((user, at) => operate(user, 9 + at)));
    expect(missingOf(variants, used, operator)).toEqual(['mgm.v1.*.event.*']);
  });

  // Each with servers of its own.
  describe.concurrent('need every subject of managers', () => {
    const PRESENCE = 'mgm.v1.$manager.presence';
    /** Without it managers serve, but no answer to a question arrives. */
    const INBOX = '_INBOX.mgm-manager.>';
    const needed = (all: readonly string[]): string[] =>
      all.filter((one) => ![PRESENCE, INBOX].includes(one));

    it.for(['subscribe', 'publish'] as const)('to %s: the presence', async (verb, context) => {
      needsProcesses(context);
      const user = { ...manager, [verb]: manager[verb].filter((one) => one !== PRESENCE) };
      expect(user[verb].length).toBeLessThan(manager[verb].length);
      await using nats = await startNatsWith(`authorization ${usersOf(user)}`);
      await using redis = await startRedis(choice);
      const port = await freePort();
      await using _running = await startManager(
        { redis, nats: { url: urlOf(nats, manager) } },
        { MGM_HEALTH_PORT: String(port) },
      );
      await eventually(
        async () => {
          const response = await fetch(`http://127.0.0.1:${port}/readyz`);
          expect(response.status).toBe(503);
          expect(await response.text()).toContain(PRESENCE);
        },
        { withinMs: 30_000 },
      );
    });

    it('to subscribe to: answers of workers', async (context) => {
      needsProcesses(context);
      expect(manager.subscribe).toContain(INBOX);
      const config = usersOf(without(manager, INBOX), worker, igmp, watcher);
      await using nats = await startNatsWith(`authorization ${config}`);
      await using redis = await startRedis(choice);
      await using running = await startManager({ redis, nats: { url: urlOf(nats, manager) } });
      await expect(useMemberships(nats, 1001, {})).rejects.toThrow(UPSTREAM);
      await eventually(
        () => expect(running.output()).toContain('nats denies subscribing: answers to questions'),
        { withinMs: 30_000 },
      );
    });

    it.for(needed(manager.subscribe))('to subscribe to: %s', async (subject, context) => {
      needsProcesses(context);
      await using nats = await startNatsWith(`authorization ${usersOf(without(manager, subject))}`);
      await using redis = await startRedis(choice);
      const servers = { redis, nats: { url: urlOf(nats, manager) } };
      const ended = async (): Promise<void> => {
        await using running = await startManager(servers);
        await eventually(() => expect(() => process.kill(running.pid, 0)).toThrow('ESRCH'), {
          withinMs: 30_000,
        });
        throw new Error(running.output());
      };
      await expect(ended()).rejects.toThrow(/not become ready|denies subscribing/);
    });

    it.for(needed(manager.publish))('to publish to: %s', async (subject, context) => {
      needsProcesses(context);
      const config = usersOf(without(manager, subject), worker, igmp, watcher);
      await using nats = await startNatsWith(`authorization ${config}`);
      await using redis = await startRedis(choice);
      await using running = await startManager({ redis, nats: { url: urlOf(nats, manager) } });
      await useRouter(nats, 7).catch(() => {});
      const denied = subject.replace(/[*>].*$/, '');
      await eventually(() => expect(running.output()).toContain(`"subject":"${denied}`), {
        withinMs: 30_000,
      });
    });
  });
});

/** The same user, each time without one of its subjects, under names of their own. */
function variantsOf(user: NatsUser): NatsUser[] {
  const subjects = [...user.subscribe, ...user.publish];
  return subjects.map((subject, at) => ({
    ...without(user, subject),
    user: `${user.user}-without-${at}`,
  }));
}

/** The subjects without which everything was possible all the same. */
function missingOf(
  variants: readonly NatsUser[],
  used: readonly PromiseSettledResult<void>[],
  ...originals: readonly NatsUser[]
): string[] {
  return variants.flatMap(({ subscribe, publish, user }, at) => {
    const original = originals.find((one) => user.startsWith(`${one.user}-without-`));
    const has = new Set([...subscribe, ...publish]);
    const whole = [...(original?.subscribe ?? []), ...(original?.publish ?? [])];
    return used[at]?.status === 'fulfilled' ? whole.filter((subject) => !has.has(subject)) : [];
  });
}

function usersOf(...all: readonly NatsUser[]): string {
  return `{ users: [\n${all.map(textOf).join('\n')}\n] }`;
}

async function connectAs(nats: RunningServer, user: NatsUser): Promise<NatsConnection> {
  const { host: servers } = new URL(nats.url);
  const { user: name, password: pass } = user;
  const inboxPrefix = inboxOf(user);
  return await connect({ servers, user: name, pass, inboxPrefix, reconnect: false });
}

async function maySubscribe(nc: NatsConnection, subject: string): Promise<boolean> {
  let refused = false;
  nc.subscribe(subject, { callback: (error) => (refused ||= error !== null) });
  await nc.flush();
  return !refused;
}

async function mayPublish(nc: NatsConnection, subject: string): Promise<boolean> {
  const refused: unknown[] = [];
  void (async () => {
    for await (const { permissionContext } of nc.status()) refused.push(permissionContext?.subject);
  })();
  nc.publish(subject, EMPTY_MAP);
  await nc.flush();
  await nc.flush();
  return !refused.includes(subject);
}
