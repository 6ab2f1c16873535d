import { Redis } from 'ioredis';
import { connect } from '@mgm/nats';
import { eventually, newRouterName, startManagers, startServers } from '@mgm/test-support';
import { ALERT_TYPES, EVENT_TYPES } from '@mgm/protocol';
import { expect, it } from 'vitest';
import { OPS, type Op, validRequest } from '../support/raw-operations.ts';
import { ok, readReply } from '../support/raw-replies.ts';
import { newInstance, type Numbered, RawRouter } from '../support/raw-client.ts';
import { type Fields, pack, unpack } from '../support/raw-codec.ts';
import { RawAnswers } from '../support/raw-answers.ts';
import { faultsIn } from './asyncapi-document.ts';

const WITHIN = { withinMs: 30_000, everyMs: 50 };
const ADMIN = { actor: 'alice@noc', why: 'a test' };
const PIM = 103;
const IGMP = 10;

/** A message from the bus, under its name in docs/asyncapi.yaml. */
interface Heard {
  readonly name: string;
  readonly message: unknown;
}

/** One router whose replies are all recorded. */
class Listener {
  readonly router: RawRouter;
  readonly heard: Heard[] = [];
  #seq = 0;

  constructor(router: RawRouter) {
    this.router = router;
  }

  async ask<Name extends Op>(op: Name, fields: Fields = {}) {
    const bytes = await this.router.send(op, pack(fields));
    const reply = readReply<Name>(bytes);
    const name = reply.status === 0 ? `${op}.reply` : 'refusal';
    this.heard.push({ name, message: unpack(bytes) });
    return reply;
  }

  register(protocolId: number, fields: Fields = {}) {
    const asked = { protocolId, componentId: 1, instance: newInstance(), ...fields };
    return this.ask('register', asked).then(ok);
  }

  change(op: Numbered, handle: string, fields: Fields) {
    this.#seq += 1;
    return this.ask(op, { handle, seq: this.#seq, ack: this.#seq, ...fields });
  }
}

it('every message on the bus has exactly the fields of docs/asyncapi.yaml', async () => {
  await using servers = await startServers();
  await using managers = await startManagers(1, servers);
  const nats = await connect({ servers: servers.nats.url, reconnect: false });
  await using _closing = { [Symbol.asyncDispose]: () => nats.close() };
  const all = new Listener(new RawRouter(nats, newRouterName()));
  using watch = all.router.watch();

  await doEverything(all);
  await loseTheStore(all, servers.redis.url);
  await eventually(() => expect(watch.heads).not.toEqual([]), WITHIN);
  const published = () => watch.raw.map(({ subject, bytes }) => named(subject, unpack(bytes)));
  await eventually(() => {
    const types = new Set(published().map(({ name }) => name));
    const wanted = EVENT_TYPES.map((type) => `event.${type}`);
    expect(wanted.filter((name) => !types.has(name))).toEqual([]);
  }, WITHIN);

  for (const { name, message } of [...all.heard, ...published()]) {
    expect({ name, message, faults: faultsIn(name, message) }).toEqual({
      name,
      message,
      faults: [],
    });
  }
  const names = new Set([...all.heard, ...published()].map(({ name }) => name));
  for (const op of OPS) expect(names).toContain(`${op}.reply`);
  expect(names).toContain('mfe');
  expect(names).toContain('hint.WRONG_IF');
  for (const type of ['RPF', 'CREATION_ALERT']) {
    expect(names).toContain(`ask.${type}`);
    expect(names).toContain(`answer.${type}`);
  }
  const types = ['DISABLE_IGMP', 'ENABLE_IGMP', 'OWNERSHIP_LOST', 'JOIN_ALERT', 'PRUNE_ALERT'];
  for (const type of [...types, 'LOCAL_JOIN', 'LOCAL_LEAVE']) {
    expect(names).toContain(`callback.${type}`);
  }
  expect(managers.running).toHaveLength(1);
});

/** Every operation, accepted and refused, and every change that has an event. */
async function doEverything(all: Listener): Promise<void> {
  const pim = await all.register(PIM, { name: 'pim-1' });
  const igmp = await all.register(IGMP);
  const other = await all.register(PIM, { componentId: 2, name: 'pim-2' });
  const { handle } = pim;
  await all.change('take', igmp.handle, { ifIndex: 7 });
  const taken = await all.change('take', handle, { ifIndex: 7 });
  await all.change('take', handle, { interfaces: [[7], [8], [9, '10.0.0.1']] });
  await all.change('take', other.handle, { interfaces: [[7], [10]] });
  await all.change('take', other.handle, { ifIndex: 7 });
  await all.change('take', handle, { ifIndex: 0 });
  await all.change('release', handle, { ifIndex: 7, epoch: '1' });
  await all.change('release', other.handle, { interfaces: [[7], [10], [11]] });
  await all.change('release', handle, { ifIndex: 8 });
  await all.change('deregister', handle, {});
  await readEverything(all);
  await all.ask('owner', { ifIndex: 11 });
  await all.ask('validate', { ifIndex: 11, epoch: '1' });
  await changeSettings(all, handle);
  await changeMemberships(all, handle);
  await changeRoutes(all, handle);
  await raiseAlerts(all);
  await operate(all);
  await all.ask('validate', { ifIndex: 7, epoch: 'epoch' in taken ? taken.epoch : '0' });
  await all.ask('interfaces', { limit: 1 });
  await all.ask('interfaces', { cursor: 'no cursor' });
  await all.ask('sessions', { limit: 1 });
  await all.ask('mailbox', { handle: igmp.handle, from: 0 });
  await all.ask('keepalive', { handle: igmp.handle, ack: 1, mailboxAck: 2 });
  await all.ask('keepalive', { handle: 'unknown' });
  await all.register(PIM, { takeover: true });
  await all.ask('register', { protocolId: PIM, componentId: 1, instance: newInstance() });
  await all.ask('admin.release', { ifIndex: 7, ...ADMIN });
  await all.change('release', igmp.handle, { ifIndex: 7 });
  await all.ask('admin.evict', { session: other.session, ...ADMIN });
  await all.ask('admin.end-holdoff', ADMIN);
  await all.ask('admin.events', { from: 0 });
  await all.change('deregister', igmp.handle, {});
  await runOut(all);
  await all.ask('events', { from: 0, limit: 1000 });
}

/** The valid request of each operation that needs neither a session nor an operator. Interface 7 is held. */
async function readEverything(all: Listener): Promise<void> {
  for (const op of OPS) {
    const fields = validRequest(op, { handle: '', asked: {}, session: 1 });
    if (op !== 'register' && !('handle' in fields) && !('actor' in fields))
      await all.ask(op, fields);
  }
}

/** Settings of interface 7, where IGMP has a membership: set, and refused. */
async function changeSettings(all: Listener, handle: string): Promise<void> {
  await all.change('interface.set', handle, { ifIndex: 7, localMembers: 'advise', wrongIf: true });
  await all.change('interface.set', handle, { ifIndex: 99, wrongIf: true });
}

/** Memberships of the owner of interface 7: single and bulk, accepted and refused, listed and read back. */
async function changeMemberships(all: Listener, handle: string): Promise<void> {
  const one = { ifIndex: 7, group: '239.1.1.1', source: '10.0.0.1' };
  const bulk = {
    entries: [
      [7, '', 'ff0e::1', ''],
      [7, '', '10.0.0.1', ''],
      [7, '', '', ''],
    ],
  };
  await all.change('member.add', handle, one);
  await all.change('member.add', handle, bulk);
  await all.change('member.add', handle, { ifIndex: 7, group: '232.1.1.1' });
  await all.change('member.delete', handle, one);
  await all.change('member.delete', handle, one);
  await all.change('member.delete', handle, bulk);
  const filter = { ifIndex: 7, group: '239.1.1.1', mode: 'exclude', sources: ['10.0.0.1'] };
  await all.change('member.set', handle, filter);
  await all.change('member.set', handle, { ...filter, group: '232.1.1.1' });
  await all.ask('groups', { handle, limit: 1 });
  await all.ask('groups', { type: 'any' });
  await all.ask('members', { limit: 1 });
  await all.ask('member.events', { from: 0 });
}

/** Alerts of every type: by requests, by a window, and by a route that is deleted. */
async function raiseAlerts(all: Listener): Promise<void> {
  const alerts = ALERT_TYPES;
  const owner = await all.register(PIM, { componentId: 7, alerts });
  const other = await all.register(PIM, { componentId: 8, alerts });
  const local = await all.register(IGMP, { componentId: 7, alerts });
  const route = ['10.7.0.0', 16, 70, '', '', PIM];
  await all.change('take', owner.handle, { ifIndex: 70 });
  await all.change('take', local.handle, { ifIndex: 70 });
  await all.change('take', other.handle, { ifIndex: 71 });
  await all.change('rib.set', owner.handle, { routes: [route] });
  const exact = { ifIndex: 71, group: '239.1.7.1', source: '10.7.0.1' };
  await all.change('member.add', other.handle, exact);
  await all.change('rib.delete', owner.handle, { routes: [route.slice(0, 2)] });
  const shared = { ifIndex: 70, group: '239.1.7.2' };
  await all.change('member.add', local.handle, shared);
  await all.change('member.delete', local.handle, shared);
  await all.change('member.add', local.handle, shared);
  await all.change('release', owner.handle, { ifIndex: 70 });
  await eventually(async () => {
    const { messages } = ok(await all.ask('mailbox', { handle: owner.handle, from: 0 }));
    expect(messages).toContainEqual(expect.objectContaining({ cause: 'iif-moved' }));
    const { messages: others } = ok(await all.ask('mailbox', { handle: other.handle, from: 0 }));
    expect(others).toContainEqual(expect.objectContaining({ cause: 'release', window: true }));
  }, WITHIN);
  for (const { handle } of [owner, other, local]) {
    await all.change('deregister', handle, { force: true });
  }
}

/** Routes over interface 7 and over a free one: set, looked up, listed and deleted. */
async function changeRoutes(all: Listener, handle: string): Promise<void> {
  const routes = [
    ['10.0.0.0', 8, 7, '', '10.0.0.2', PIM],
    ['10.1.0.1', 16, 7, '', '', PIM],
    ['2001:db8::', 32, 99, '', '', PIM, 10],
  ];
  await all.change('rib.set', handle, { routes });
  for (const source of ['10.0.0.1', '2001:db8::1', '192.0.2.1']) {
    await all.ask('rib.resolve', { source });
  }
  await all.ask('rib.list', { limit: 1 });
  await useFlows(all, handle);
  await all.change('rib.delete', handle, { routes: routes.map((route) => route.slice(0, 2)) });
}

/** Static memberships and settings of interface 8 by an operator: made, repeated, refused, undone. */
async function operate(all: Listener): Promise<void> {
  const one = { ifIndex: 8, group: '239.1.1.9', ...ADMIN };
  await all.ask('admin.member.add', one);
  await all.ask('admin.member.add', one);
  await all.ask('admin.member.add', { ...one, group: '232.1.1.1' });
  await all.ask('admin.interface.set', { ifIndex: 8, maxGroups: 1, lite: true, ...ADMIN });
  await all.ask('admin.member.add', { ...one, group: '239.1.1.10' });
  await all.ask('members', { ifIndex: 8 });
  await all.ask('admin.member.delete', one);
  await all.ask('admin.member.delete', one);
  await all.ask('admin.interface.set', { ifIndex: 8, maxGroups: 0, lite: false, ...ADMIN });
}

/** Flows over interface 7, over a free one and without route, of a session that is sent alerts. */
async function useFlows(all: Listener, handle: string): Promise<void> {
  const [group, alerts] = ['239.1.1.1', ['JOIN_ALERT', 'PRUNE_ALERT']];
  const owner = await all.register(PIM, { componentId: 4, alerts });
  const own = { handle: owner.handle, ack: 1 };
  await all.ask('take', { ...own, seq: 1, ifIndex: 30 });
  await all.ask('rib.set', { ...own, seq: 2, routes: [['10.2.0.0', 16, 30, '', '', PIM]] });
  const flows = ['10.2.0.1', '10.2.0.2', '2001:db8::1', '192.0.2.1', '224.0.0.1'].map((source) => {
    return [source.includes(':') ? 'ff0e::1' : group, source, 7, ''];
  });
  await all.ask('flow.new', { handle, flows: [...flows, ['224.0.0.1', '10.2.0.1', 7, '']] });
  await all.ask('flow.new', { handle: 'unknown', flows });
  await all.ask('mfe.get', { group, source: '10.2.0.1' });
  await all.ask('mfe.get', { group, source: '10.2.0.9' });
  await all.ask('mfe.list', { limit: 1 });
  await all.ask('mfe.list', { cursor: 'no cursor' });
  await all.ask('fib', { from: 1 });
  await useReports(all, handle, group);
  await answerQuestions(all, handle, group);
  await sendHints(all, handle, group);
  const oif = { ifIndex: 7, group, flags: 2 };
  await all.change('member.add', handle, oif);
  await all.change('member.delete', handle, { ...oif, source: '10.2.0.1' });
  const mfe = { group, source: '10.2.0.1', upstream: '10.9.9.9' };
  await all.ask('mfe.set', { ...own, seq: 3, ...mfe });
  await all.ask('mfe.set', { ...own, seq: 4, ...mfe, incarnation: 1 });
  await all.change('member.add', handle, { ifIndex: 7, group });
  await all.change('member.delete', handle, { ifIndex: 7, group });
  await all.ask('mailbox', { handle: owner.handle, from: 0 });
  await all.ask('deregister', { ...own, seq: 5, force: true });
}

/** Packets that arrive on an interface whose owner wants to know. */
async function sendHints(all: Listener, agent: string, group: string): Promise<void> {
  const asked = { componentId: 6, instance: newInstance(), alerts: ['WRONG_IF'] };
  const owner = await all.router.register({ protocolId: PIM, ...asked });
  ok(await owner.take(60));
  ok(await owner.change('interface.set', { ifIndex: 60, wrongIf: true }));
  const { nats, prefix, name } = all.router;
  const subject = `${prefix}.${name}.hint.${owner.session}`;
  const hints = nats.subscribe(subject, { max: 2, timeout: WITHIN.withinMs });
  await nats.flush();
  const item = [group, '10.2.0.1', 60, '', 3];
  const items = [item, [...item, Uint8Array.of(0x45, 0)]];
  await all.ask('flow.wrongif', { handle: agent, items });
  await all.ask('flow.wrongif', { handle: 'unknown', items });
  for await (const { data } of hints) {
    all.heard.push({ name: 'hint.WRONG_IF', message: unpack(data) });
  }
  ok(await owner.change('deregister', { force: true }));
}

/** A flow whose owner is asked about it, and answers. */
async function answerQuestions(all: Listener, agent: string, group: string): Promise<void> {
  const instance = newInstance();
  const asked = { componentId: 5, instance, alerts: ['RPF', 'CREATION_ALERT'] };
  const session = await all.router.register({ protocolId: PIM, ...asked });
  for (const ifIndex of [50, 51]) ok(await session.take(ifIndex));
  ok(await session.change('rib.set', { routes: [['10.5.0.0', 16, 50, '', '10.5.0.2', PIM]] }));
  ok(await session.add(51, group));
  const answers: Readonly<Record<string, Fields>> = {
    RPF: {
      ...{ ifIndex: 50, nextHop: '', upstream: '10.5.0.9' },
      route: { network: '10.5.0.0', length: 24, protocolId: PIM },
    },
    CREATION_ALERT: { disable: [[51, '']] },
  };
  using _ = new RawAnswers(session, (question) => {
    const type = String(question['type']);
    const answer = answers[type];
    all.heard.push({ name: `ask.${type}`, message: question });
    all.heard.push({ name: `answer.${type}`, message: answer });
    return answer;
  });
  const header = Uint8Array.of(0x45, 0);
  await all.ask('flow.new', { handle: agent, flows: [[group, '10.5.0.1', 50, '', header]] });
  ok(await session.deregister({ force: true }));
}

/** What agents report about forwarding entries, and how it is read. */
async function useReports(all: Listener, handle: string, group: string): Promise<void> {
  const flow = { group, source: '10.2.0.1' };
  const { mfe } = (await all.ask('mfe.get', flow)) as { readonly mfe: { incarnation: number } };
  const entry = [group, flow.source, mfe.incarnation];
  await all.ask('keepalive', { handle, frev: 1 });
  const counters = [1, 2, 3, 4, 5, 6, 7, 8, [[7, '', 1, 2, 3, 4]]];
  await all.ask('flow.stats', { handle, items: [[...entry, ...counters]] });
  await all.ask('flow.stats', { handle: 'unknown', items: [[...entry, ...counters]] });
  await all.ask('mfe.stats', flow);
  await all.ask('mfe.stats', { ...flow, source: '10.2.0.9' });
  await all.ask('mfe.stats', { limit: 1, flags: 1 });
  await all.ask('flow.failed', { handle, items: [[...entry, 'table full']] });
  await all.ask('flow.failed', { handle: 'unknown', items: [[...entry, '']] });
  await all.ask('mfe.get', flow);
  await all.ask('mfe.list', { limit: 1 });
  await all.ask('agents', { limit: 1 });
}

/** A lease that ends: the session is first stale, then expired. */
async function runOut(all: Listener): Promise<void> {
  const { handle } = await all.register(PIM, { componentId: 3, ttlMs: 3000, graceMs: 3000 });
  await all.ask('take', { handle, seq: 1, ack: 1, ifIndex: 20 });
  await eventually(async () => {
    expect(await all.ask('owner', { ifIndex: 20 })).toMatchObject({ stale: true });
  }, WITHIN);
  await all.ask('sessions');
  await eventually(async () => {
    expect(await all.ask('owner', { ifIndex: 20 })).toMatchObject({ status: 1168 });
  }, WITHIN);
}

/** Deletes the keys of this router only: the server may be shared. */
async function loseTheStore(all: Listener, url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.del(await redis.keys(`*{${all.router.name}}*`));
  redis.disconnect();
  await all.register(PIM);
  await all.ask('admin.end-holdoff', ADMIN);
}

function named(subject: string, message: unknown): Heard {
  const [kind] = subject.split('.');
  const { type } = message as { readonly type?: string };
  return { name: kind === 'head' || kind === 'mfe' ? kind : `${kind}.${type}`, message };
}
