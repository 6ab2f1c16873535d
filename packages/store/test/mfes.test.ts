import { beforeEach, describe, expect, it } from 'vitest';
import {
  DECLARED,
  type ArbiterArgs,
  type FibItem,
  type FibMessage,
} from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import {
  arbiterForEach,
  on,
  openArbiter,
  reached,
  type Arbiter,
  type TestClient,
} from './arbiter.ts';
import { fibChanges, FLOW, flowNames, GROUP, NARROW, requestsTo, WIDE } from './requests.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((one, server) => {
  arbiter = one;
  redis = server;
});

const requests = requestsTo(() => arbiter);
const { flow, join, key, leave, noRoute, present, release, route, sweep, take } = requests;

/** The mask of JOIN_ALERT and PRUNE_ALERT. */
const MASK = 3;

const get = (name = FLOW) => arbiter.ask('mfe_get', { name });
const list = (fields: Partial<ArbiterArgs['mfe_list']> = {}) =>
  arbiter.ask('mfe_list', { after: '', limit: 100, ...fields });
/** The pushes of the sweeps that `settled` has carried out. */
let pushed: FibItem[];
beforeEach(() => {
  pushed = [];
});

async function settled(): Promise<void> {
  pushed.push(...(await requests.settled()));
}

/** Type, cause and items of all alerts of a session about MFEs. */
async function falseAlertsOf(client: TestClient): Promise<string[]> {
  const alerts = await requests.alertsOf(client);
  return alerts
    .filter(({ type }) => type.endsWith('FALSE'))
    .map(({ type, cause, items }) => `${type} ${cause} ${items}`);
}

describe('an MFE', () => {
  let owner: TestClient;
  let receiver: TestClient;
  beforeEach(async () => {
    owner = await arbiter.client({ mask: MASK });
    receiver = await arbiter.client({ mask: MASK });
    await take(owner, 1, 2);
    await take(receiver, 3);
  });

  it('is created once per (s,g), with the owner of the interface towards the source', async () => {
    await route(owner, WIDE, 1, '10.0.0.9');
    await join(receiver, 3, GROUP);
    const { reply, batch } = await flow(receiver, FLOW, FLOW);
    const mfe = await present();
    expect(mfe).toMatchObject({
      name: FLOW,
      iif: on(1),
      protocolId: 103,
      session: owner.session,
      neighbour: '10.0.0.9',
      prefix: WIDE,
      oifs: '3:',
      oifCount: 1,
      timeoutMs: 900_000,
      alerted: true,
    });
    expect(mfe.upMs + mfe.expiresInMs).toBe(900_000);
    const { incarnation } = mfe;
    const known = { kind: 'known', mfe: { incarnation } };
    expect(reply).toMatchObject({ kind: 'flows', results: [{ ...known, kind: 'created' }, known] });
    expect(batch.view).toMatchObject({
      frev: 1,
      fib: [{ first: 1, items: [{ kind: 'set', mfe: { incarnation, oifs: '3:' } }] }],
    });
    expect((await flow(owner, FLOW)).reply).toMatchObject({ results: [known] });
    expect(await list()).toMatchObject({ items: [{ name: FLOW }], after: '' });
    expect(await falseAlertsOf(owner)).toEqual([`JOIN_FALSE created ${FLOW} ${incarnation}`]);
    expect(await falseAlertsOf(receiver)).toEqual([]);
  });

  it('is negative without an incoming interface, and makes the next packet create it anew', async () => {
    await flow(receiver, FLOW);
    expect(await present()).toMatchObject({ iif: undefined, session: 0, prefix: undefined });
    await route(owner, WIDE, 9);
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', name: FLOW, cause: 'route' }]);
    await flow(receiver, FLOW);
    const without = await present();
    expect(without).toMatchObject({ iif: undefined, prefix: WIDE });
    await take(owner, 9);
    await settled();
    expect(pushed.at(-1)).toMatchObject({ cause: 'iif-moved', incarnation: without.incarnation });
    await flow(receiver, FLOW);
    expect(await present()).toMatchObject({ iif: on(9), session: owner.session });
    expect((await present()).incarnation).toBeGreaterThan(without.incarnation);
  });

  it('has the interfaces of all entries that cover it, and never its incoming one', async () => {
    await route(owner, WIDE, 1);
    await flow(receiver, FLOW);
    const oifs = async () => (await present()).oifs;
    await join(owner, 1, GROUP);
    expect(await oifs()).toBe('');
    await join(owner, 2, '4');
    expect(await oifs()).toBe('2:');
    await join(receiver, 3, FLOW);
    expect(await oifs()).toBe('2:,3:');
    await leave(owner, 2, '4');
    await join(owner, 2, GROUP, '4e00000020a010203');
    expect(await oifs()).toBe('2:,3:');
    await release(receiver, 3);
    expect(await oifs()).toBe('2:');
  });

  it('alerts its owner about the first and the last foreign interface only', async () => {
    await route(owner, WIDE, 1);
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    await join(owner, 2, GROUP);
    await join(receiver, 3, GROUP);
    await join(receiver, 3, FLOW);
    await leave(receiver, 3, GROUP);
    expect(await falseAlertsOf(owner)).toEqual([
      `PRUNE_FALSE created ${FLOW} 1: ${incarnation}`,
      `JOIN_FALSE member ${FLOW} ${incarnation}`,
    ]);
    expect(await present()).toMatchObject({ alerted: true });
    await leave(receiver, 3, FLOW);
    await leave(owner, 2, GROUP);
    expect((await falseAlertsOf(owner)).slice(2)).toEqual([
      `PRUNE_FALSE member ${FLOW} 3: ${incarnation}`,
    ]);
    expect(await present()).toMatchObject({ alerted: false, oifs: '' });
  });

  it('that follows another one in one request alerts its owner after that one', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `${GROUP}0a0102${(at + 16).toString(16)}`);
    await route(owner, WIDE, 1);
    await join(receiver, 3, GROUP);
    await flow(receiver, ...names);
    await route(owner, WIDE, 2);
    await flow(receiver, ...names);
    expect((await falseAlertsOf(owner)).slice(1).map((alert) => alert.split(' ', 3))).toEqual(
      names.flatMap((name) => [
        ['PRUNE_FALSE', 'route', name],
        ['JOIN_FALSE', 'created', name],
      ]),
    );
  });

  it('is created without an alert if only its owner wants it', async () => {
    await route(owner, WIDE, 1);
    await join(owner, 2, GROUP);
    await flow(receiver, FLOW);
    expect(await falseAlertsOf(owner)).toEqual([]);
    await release(owner, 2);
    await settled();
    expect(await falseAlertsOf(owner)).toEqual([]);
    expect(pushed.at(-1)).toMatchObject({ kind: 'set', mfe: { oifs: '' } });
  });

  it('is pushed once per request and only if it changed', async () => {
    await route(owner, WIDE, 1);
    await flow(receiver, FLOW);
    const both = await join(receiver, 3, GROUP, FLOW);
    expect(both.batch.view.fib).toMatchObject([{ first: 2, items: [{ mfe: { oifs: '3:' } }] }]);
    const one = await leave(receiver, 3, GROUP);
    expect(one.batch.view).toMatchObject({ frev: 2, fib: [] });
  });

  it('is gone at the instant the hold of its incoming interface ends', async () => {
    await route(receiver, WIDE, 1);
    await join(receiver, 3, GROUP);
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    const released = await arbiter.decide('release', {
      ...owner.next(),
      interfaces: [on(1)],
      epoch: '',
    });
    expect(await get()).toEqual({ kind: 'none' });
    expect(await list()).toMatchObject({ items: [] });
    expect(released.batch.members.settled).toBeLessThan(released.rev);
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', incarnation, cause: 'iif-moved' }]);
    expect(await falseAlertsOf(owner)).toHaveLength(1);
    expect(await arbiter.link.command('HLEN', key('mfe'))).toBe(0);
  });

  it('is not shown after its interface was released and taken again', async () => {
    await route(receiver, WIDE, 1);
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    await release(owner, 1);
    await take(owner, 1);
    expect(await get()).toEqual({ kind: 'none' });
    const { batch } = await flow(receiver, FLOW);
    expect(fibChanges(batch)).toMatchObject([{ kind: 'set', name: FLOW }]);
    expect((await present()).incarnation).toBeGreaterThan(incarnation);
    await settled();
    expect(pushed).toEqual([]);
  });

  it('is gone with the client that owned its incoming interface', async () => {
    await route(receiver, WIDE, 1);
    await flow(receiver, FLOW);
    await arbiter.ask('deregister', { ...owner.next(), force: true });
    expect(await get()).toEqual({ kind: 'none' });
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', cause: 'iif-moved' }]);
  });

  it('of IGMP ends when a routing protocol takes the interface, and IGMP is told', async () => {
    const igmp = await arbiter.client({ mask: MASK, isIgmp: true, protocolId: 2 });
    await take(igmp, 5);
    await route(owner, WIDE, 5);
    await join(receiver, 3, GROUP);
    await flow(receiver, FLOW);
    const { incarnation, session } = await present();
    expect(session).toBe(igmp.session);
    await take(owner, 5);
    expect(await get()).toEqual({ kind: 'none' });
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', incarnation, cause: 'iif-moved' }]);
    expect((await falseAlertsOf(igmp)).slice(1)).toEqual([
      `PRUNE_FALSE iif-moved ${FLOW} 5: ${incarnation}`,
    ]);
  });

  it('of IGMP alone again is a new one, under an epoch above that of the routing protocol', async () => {
    const igmp = await arbiter.client({ mask: MASK, isIgmp: true, protocolId: 2 });
    await take(igmp, 5);
    await route(receiver, WIDE, 5);
    await flow(receiver, FLOW);
    const first = await present();
    await take(owner, 5);
    await release(owner, 5);
    expect(await get()).toEqual({ kind: 'none' });
    await take(owner, 5);
    await flow(receiver, FLOW);
    const between = await present();
    await release(owner, 5);
    await flow(receiver, FLOW);
    const last = await present();
    expect(last.session).toBe(igmp.session);
    expect(Number(between.epoch)).toBeGreaterThan(Number(first.epoch));
    expect(Number(last.epoch)).toBeGreaterThanOrEqual(Number(between.epoch));
    await settled();
    expect(await present()).toMatchObject({ incarnation: last.incarnation });
  });

  it('is kept through inheritance, and pushed with the new session and epoch', async () => {
    const first = await arbiter.client({ componentId: 4711 });
    await take(first, 6);
    await route(receiver, WIDE, 6);
    await flow(receiver, FLOW);
    const before = await present();
    const next = { componentId: 4711, instance: 'the next process', takeover: true };
    const heir = await arbiter.client(next);
    await settled();
    const after = await present();
    expect(after).toMatchObject({ incarnation: before.incarnation, session: heir.session });
    expect(Number(after.epoch)).toBeGreaterThan(Number(before.epoch));
    expect(pushed).toMatchObject([{ kind: 'set', mfe: { session: heir.session } }]);
  });

  it('is pushed after inheritance whichever interface it comes in by, also while others end', async () => {
    const numbers = [6, 7, 8, 9];
    const first = await arbiter.client({ componentId: 4711 });
    await take(first, ...numbers);
    const names = new Map<number, string[]>();
    for (const number of numbers) {
      await route(receiver, `40a0${number}000010`, number);
      const ends = Array.from({ length: 60 }, (_, at) => (at + 16).toString(16));
      names.set(
        number,
        ends.map((end) => `${GROUP}0a0${number}00${end}`),
      );
      await flow(receiver, ...(names.get(number) ?? []));
    }
    await settled();
    pushed = [];
    const next = { componentId: 4711, instance: 'the next process', takeover: true };
    const heir = await arbiter.client(next);
    const { batch } = await sweep();
    pushed.push(...fibChanges(batch));
    await release(heir, 6);
    await release(heir, 9);
    await settled();
    const shown = new Map<string, number>();
    for (const { name, mfe } of pushed) if (mfe) shown.set(name, mfe.session);
    for (const name of [7, 8].flatMap((number) => names.get(number) ?? [])) {
      expect(shown.get(name), name).toBe(heir.session);
    }
    expect((await list({ limit: 200 })).items).toHaveLength(120);
  });

  it('ends when the route moves to another interface, and follows one that does not', async () => {
    await route(owner, WIDE, 1);
    await join(receiver, 3, GROUP);
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    await route(owner, NARROW, 1, '10.0.0.9');
    await settled();
    expect(await present()).toMatchObject({ incarnation, prefix: NARROW, neighbour: '10.0.0.9' });
    expect(pushed).toMatchObject([{ kind: 'set', mfe: { prefix: NARROW } }]);
    await route(owner, NARROW, 2);
    await settled();
    expect(pushed.slice(1)).toMatchObject([{ kind: 'del', incarnation, cause: 'route' }]);
    expect((await falseAlertsOf(owner)).slice(1)).toEqual([
      `PRUNE_FALSE route ${FLOW} 1: ${incarnation}`,
    ]);
    await flow(receiver, FLOW);
    await noRoute(owner, NARROW);
    await noRoute(owner, WIDE);
    await settled();
    expect(pushed.at(-1)).toMatchObject({ kind: 'del', cause: 'route' });
  });

  it('ends with its time on the service clock, without an alert', async () => {
    await route(owner, WIDE, 1);
    await flow(receiver, FLOW);
    const before = (await falseAlertsOf(owner)).length;
    const { dueInMs } = (await arbiter.decide('head', {})).reply;
    expect(dueInMs).toBeLessThanOrEqual(10_000);
    await agedBy(900_000);
    expect(await get()).toEqual({ kind: 'none' });
    expect((await arbiter.decide('head', {})).reply.dueInMs).toBe(0);
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', cause: 'timeout' }]);
    expect(await falseAlertsOf(owner)).toHaveLength(before);
    expect(await arbiter.link.command('ZCARD', key('mfe-expiry'))).toBe(0);
  });

  /** Lets the life of the MFE be over: its score in the queue and its record are from before. */
  async function agedBy(ms: number): Promise<void> {
    const moved = `
      local fields = { cmsgpack.unpack(redis.call('HGET', KEYS[1], ARGV[1])) }
      fields[6] = fields[6] - ARGV[2]
      redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(unpack(fields)))
      redis.call('ZINCRBY', KEYS[2], -ARGV[2], ARGV[1])`;
    await arbiter.link.command('EVAL', moved, '2', key('mfe'), key('mfe-expiry'), FLOW, `${ms}`);
  }

  it('gives the data schema 4, and leaves nothing when it is gone', async () => {
    await flow(receiver, FLOW);
    expect(await arbiter.link.command('HGET', key('meta'), 'schema')).toBe('4');
    await agedBy(900_000);
    await settled();
    await settled();
    expect(await arbiter.link.command('HGET', key('meta'), 'schema')).toBe('2');
    const left = await arbiter.link.command('KEYS', key('mfe*'));
    expect(left).toEqual([]);
  });
});

describe('many MFEs', () => {
  const names = flowNames(200);
  let owner: TestClient;
  let receiver: TestClient;
  beforeEach(async () => {
    owner = await arbiter.client({ mask: MASK });
    receiver = await arbiter.client();
    await take(owner, 1);
    await take(receiver, 3);
    await route(owner, WIDE, 1);
    await flow(receiver, ...names);
  });

  it('follow a change of a (*,g): 64 in its own step, the others in slices that msettled waits for', async () => {
    const { batch } = await join(receiver, 3, GROUP);
    expect(fibChanges(batch)).toHaveLength(64);
    expect(batch.view.msettled).toBeLessThan(batch.members.mrev);
    expect((await present(names.at(-1))).oifs).toBe('3:');
    await settled();
    expect(pushed.map(({ name }) => name)).toEqual(names.slice(64));
    const { view, members } = (await arbiter.decide('head', {})).batch;
    expect(view.msettled).toBe(members.mrev);
    expect(view.frev).toBe(400);
    const joins = (await falseAlertsOf(owner)).filter((one) => one.startsWith('JOIN'));
    expect(joins.join(',').match(/0a0102/g)).toHaveLength(200);
  });

  it('hold settled back until those of an ended hold are evaluated', async () => {
    await join(receiver, 3, GROUP);
    await settled();
    const { rev } = await arbiter.decide('release', {
      ...receiver.next(),
      interfaces: [on(3)],
      epoch: '',
    });
    let isDone = false;
    let last = 0;
    while (!isDone) {
      const { batch } = await sweep();
      last = Math.max(last, ...fibChanges(batch).map(({ name }) => names.indexOf(name)));
      isDone = batch.members.settled >= rev;
    }
    expect(last).toBe(names.length - 1);
  });

  it('hold settled back until those of static memberships that became active are evaluated', async () => {
    const membership = { interface: on(4), entry: GROUP, actor: 'alice@noc', why: 'a test' };
    await arbiter.ask('admin_member_add', membership);
    await sweep();
    const { handle, seq, ack, held, advise } = receiver.next();
    const take = { handle, seq, ack, held, advise, interfaces: [on(4)] };
    const { rev } = await arbiter.decide('take', take);
    const evaluated = new Set<string>();
    let isDone = false;
    while (!isDone) {
      const { batch } = await sweep();
      for (const { name } of fibChanges(batch)) evaluated.add(name);
      isDone = batch.members.settled >= rev;
    }
    expect(evaluated.size).toBe(names.length);
  });

  it('end with the hold of their incoming interface, and not with that of a wider route', async () => {
    const other = await arbiter.client();
    await take(other, 2);
    await route(other, NARROW, 2);
    await settled();
    await flow(receiver, ...names);
    const wide = names.map((name) => name.replace('0a0102', '0a0202'));
    await flow(receiver, ...wide);
    await settled();
    pushed = [];
    await release(owner, 1);
    await settled();
    expect(pushed.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
      wide.map((name) => `del ${name}`),
    );
    expect((await list({ limit: 1000 })).items).toHaveLength(names.length);
    pushed = [];
    await release(other, 2);
    await settled();
    expect(pushed.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
      names.map((name) => `del ${name}`),
    );
    expect(await arbiter.link.command('EXISTS', key('mfe-index'))).toBe(0);
  });

  it('are listed page by page, each once and in order', async () => {
    const pages = [];
    let after = '';
    do {
      const page = await list({ after, limit: 64 });
      pages.push(page.items.map(({ name }) => name));
      after = page.after;
    } while (after !== '');
    expect(pages.map((page) => page.length)).toEqual([64, 64, 64, 8]);
    expect(pages.flat()).toEqual(names);
    expect(await list({ after: names[10] ?? '', limit: 1 })).toMatchObject({
      items: [{ name: names[11] }],
    });
  });

  it('give, with the log of their changes, the present ones', async () => {
    const { items: before } = await list({ limit: 1000 });
    const table = new Map(before.map((mfe) => [mfe.name, mfe.oifs]));
    const changed = await join(receiver, 3, GROUP);
    pushed.push(...fibChanges(changed.batch));
    await release(receiver, 3);
    await settled();
    for (const { kind, name, mfe } of pushed) {
      if (kind === 'set') table.set(name, mfe?.oifs ?? '');
      else table.delete(name);
    }
    const { items } = await list({ limit: 1000 });
    expect(table).toEqual(new Map(items.map((mfe) => [mfe.name, mfe.oifs])));
  });
});

describe('fib', () => {
  const fib = (after: number, limit = 1000) => arbiter.ask('fib', { after, limit });
  const numbered = ({ first, items }: FibMessage) => [first, first + items.length - 1];
  const flows = (count: number) =>
    Array.from({ length: count }, (_, at) => `${GROUP}0a02${at.toString(16).padStart(4, '0')}`);

  it('returns each message as it was published, and the same when repeated', async () => {
    const client = await arbiter.client();
    expect(await fib(0)).toEqual({ kind: 'changes', messages: [], first: 1 });
    const published = [];
    for (const name of flows(20)) published.push(...(await flow(client, name)).batch.view.fib);
    const found = await fib(0);
    expect(found).toEqual({ kind: 'changes', messages: published, first: 1 });
    expect(await fib(0)).toEqual(found);
    expect(await fib(0, 3)).toMatchObject({ messages: published.slice(0, 3) });
    expect(await fib(17)).toMatchObject({ messages: published.slice(17) });
    expect(await fib(20)).toMatchObject({ messages: [] });
  });

  it('gives the message that a revision is in the middle of', async () => {
    const client = await arbiter.client();
    const { batch } = await flow(client, ...flows(256));
    expect(batch.view.fib.map(numbered)).toEqual([[1, 256]]);
    expect(await fib(100)).toMatchObject({ messages: batch.view.fib });
    expect(await fib(256)).toMatchObject({ messages: [] });
  });

  it('divides large entries into messages and pages, each with at least one item', async () => {
    const [owner, receiver] = [await arbiter.client(), await arbiter.client()];
    const numbers = Array.from({ length: 10_000 }, (_, at) => 1_000_000_000 + at);
    await take(owner, 1);
    await route(owner, WIDE, 1);
    while (numbers.length > 0) {
      const some = numbers.splice(0, 1000);
      await take(receiver, ...some);
      const { handle, seq, ack } = receiver.next();
      const entries = some.map(() => '4');
      const fields = { handle, seq, ack, interfaces: some.map((number) => on(number)), entries };
      const rest = { codes: some.map(() => 0), epoch: '', single: false };
      await arbiter.ask('member_add', { ...fields, ...rest });
    }
    // A reply with four of them would be too large, so the other flows are to be asked again.
    const { reply, batch } = await flow(receiver, ...flows(8));
    const kinds = reply.kind === 'flows' ? reply.results.map(({ kind }) => kind) : [];
    expect(kinds).toEqual([...Array(3).fill('created'), ...Array(5).fill('pending')]);
    const again = await flow(receiver, ...flows(8).slice(3));
    const last = await flow(receiver, ...flows(8).slice(6));
    expect(again.reply).toMatchObject({
      results: [{ kind: 'known' }, { kind: 'created' }, {}, {}, {}],
    });
    const published = [batch, again.batch, last.batch].flatMap(({ view }) => view.fib);
    expect(published.map(numbered)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((at) => [at, at]));
    expect(await fib(0)).toMatchObject({ messages: published.slice(0, 3) });
    expect(await fib(7)).toMatchObject({ messages: published.slice(7) });
  });

  it('keeps the last 100,000 changes, and says where it begins', async () => {
    const client = await arbiter.client();
    for (let count = 0; count < 120; count++) await flow(client, flows(120)[count] ?? '');
    await withFrev(200_120);
    for (const name of flows(220).slice(120)) await flow(client, name);
    const { first } = (await arbiter.ask('fib', { after: 300_000, limit: 1 })) as { first: number };
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThanOrEqual(121);
    for (let times = 0; times < 2; times++) {
      expect(await fib(first - 2)).toEqual({ kind: 'compacted', first });
    }
    expect(await fib(first - 1)).toMatchObject({ kind: 'changes', first });
  });

  /** Lets the router have another `frev`, as after many changes. */
  async function withFrev(frev: number): Promise<void> {
    const script = `
      local fields = { cmsgpack.unpack(redis.call('HGET', KEYS[1], 'view')) }
      fields[15] = tonumber(ARGV[1])
      redis.call('HSET', KEYS[1], 'view', cmsgpack.pack(unpack(fields)))`;
    await arbiter.link.command('EVAL', script, '1', key('meta'), `${frev}`);
  }
});

describe('flow_new', () => {
  it('refuses invalid requests, and gives a repeat the same refusal', async () => {
    const client = await arbiter.client();
    const expired = await arbiter.client({ componentId: 77 });
    await arbiter.client({ componentId: 77, instance: 'the next process', takeover: true });
    for (let times = 0; times < 2; times++) {
      const ask = (handle: ArbiterArgs['flow_new']['handle']) =>
        arbiter.ask('flow_new', { handle, names: [FLOW, ''], asks: false, silent: [] });
      expect(await ask(NO_HANDLE)).toEqual({ kind: 'bad_handle' });
      expect(await ask(expired.handle)).toMatchObject({ kind: 'session_expired' });
    }
    expect((await flow(client, '')).reply).toEqual({
      kind: 'flows',
      results: [{ kind: 'skipped' }],
    });
  });

  it('creates no MFE above the limit or without memory, and knows those that exist', async () => {
    using own = await openArbiter(redis, undefined, undefined, undefined, { mfesMax: 1 });
    const { handle } = await own.client();
    const names = [FLOW, `${GROUP}0a010204`];
    const nobody = { asks: false, silent: [] };
    const results = [{ kind: 'known' }, { kind: 'limit' }];
    await own.ask('flow_new', { handle, names, ...nobody });
    expect(await own.ask('flow_new', { handle, names, ...nobody })).toMatchObject({ results });
    await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await own.ask('flow_new', { handle, names, ...nobody })).toEqual({ kind: 'store_full' });
    expect(await own.ask('mfe_get', { name: FLOW })).toMatchObject({ kind: 'found' });
    await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
  });
});

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    /^(fib|flow_new|mfe_(get|list))/.test(operation)
      ? tags.map((tag) => `${operation}:${tag}`)
      : [],
  );
  expect(declared.filter((one) => !reached.has(one))).toEqual([]);
});
