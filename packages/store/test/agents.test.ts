import { beforeEach, describe, expect, it } from 'vitest';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import { arbiterForEach, openArbiter, reached, type Arbiter, type TestClient } from './arbiter.ts';
import { flowNames, GROUP, requestsTo, WIDE } from './requests.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((one, server) => {
  arbiter = one;
  redis = server;
});

const { evict, flow, key, lapse, route, sweep } = requestsTo(() => arbiter);

/** Negative forwarding entries: nothing but an agent is needed for them. */
const FLOWS = flowNames(20);
const [FLOW = '', OTHER = ''] = FLOWS;

const beat = ({ handle }: TestClient, frev: number) =>
  arbiter.ask('keepalive', { handle, ack: 0, mailboxAck: 0, frev });
async function get(name = FLOW) {
  const reply = await arbiter.ask('mfe_get', { name });
  if (reply.kind !== 'found') throw new Error(`no MFE ${name}`);
  return reply;
}

async function fail({ handle }: TestClient, reason: string, ...names: string[]) {
  const incarnations: number[] = [];
  for (const name of names) incarnations.push((await get(name)).mfe.incarnation);
  const reasons = names.map(() => reason);
  return arbiter.ask('flow_failed', { handle, names, incarnations, reasons });
}

const listed = async (fields: Partial<ArbiterArgs['agents']> = {}) =>
  (await arbiter.ask('agents', { after: 0, limit: 100, ...fields })).items;

/** Everything that the store keeps of reports. */
async function kept(): Promise<unknown> {
  const names = ['agents', 'programmed', 'failures', 'mfe-failed', 'mfe-stats'].map(key);
  return arbiter.link.command('EXISTS', ...names);
}

describe('agents', () => {
  let first: TestClient;
  let second: TestClient;
  beforeEach(async () => {
    first = await arbiter.client({ name: 'first' });
    second = await arbiter.client({ name: 'second' });
    await flow(first, ...FLOWS);
  });

  it('are the sessions that sent a frev; programmed is the lowest of these', async () => {
    expect(await get()).toMatchObject({ programmed: -1 });
    expect(await listed()).toEqual([]);
    await beat(first, 20);
    await beat(second, -1);
    expect(await get()).toMatchObject({ programmed: 20 });
    await beat(second, 0);
    const row = { session: first.session, name: 'first', frev: 20, failed: 0 };
    const other = { session: second.session, name: 'second', frev: 0, failed: 0 };
    expect(await listed()).toEqual([row, other]);
    expect(await listed({ limit: 1 })).toEqual([row]);
    expect(await listed({ after: first.session })).toEqual([other]);
    expect(await arbiter.ask('mfe_list', { after: '', limit: 1 })).toMatchObject({ programmed: 0 });
    await beat(second, 7);
    await beat(second, -1);
    expect(await get()).toMatchObject({ programmed: 7 });
  });

  it('do not have changes that do not exist, and may fall back', async () => {
    await beat(first, 1_000_000);
    expect(await get()).toMatchObject({ programmed: 20 });
    await beat(first, 3);
    expect(await get()).toMatchObject({ programmed: 3 });
  });

  it('show keepalives and reads of one batch as they follow each other', async () => {
    const [, before, , after] = await Promise.all([beat(second, 9), get(), beat(first, 4), get()]);
    expect([before, after]).toMatchObject([{ programmed: 9 }, { programmed: 4 }]);
  });

  it.each(['deregisters', 'is evicted', 'is over', 'is stale'])(
    'forget a session that %s, with its failures',
    async (how) => {
      const graceMs = how === 'is stale' ? 600_000 : 0;
      const agent = await arbiter.client({ graceMs });
      await beat(agent, 5);
      await beat(second, 6);
      await fail(agent, 'no space', FLOW);
      expect(await get()).toMatchObject({ programmed: 5, failed: [{ reason: 'no space' }] });
      if (how === 'deregisters') await arbiter.ask('deregister', { ...agent.next(), force: true });
      else if (how === 'is evicted') await evict(agent.session);
      else await lapse(agent);
      expect(await get()).toMatchObject({ programmed: 6, failed: [] });
      expect(await listed()).toMatchObject([{ session: second.session }]);
      await sweep();
      expect(await arbiter.link.command('ZCARD', key('programmed'))).toBe(1);
      expect(await arbiter.link.command('EXISTS', key('failures'))).toBe(0);
    },
  );

  it('start without reports in the next session of the client', async () => {
    const agent = await arbiter.client({ componentId: 70, graceMs: 600_000 });
    await beat(agent, 5);
    await fail(agent, 'no space', FLOW);
    const next = await arbiter.client({ componentId: 70, takeover: true });
    expect(await get()).toMatchObject({ programmed: -1, failed: [] });
    await beat(next, 8);
    expect(await listed()).toMatchObject([{ session: next.session, frev: 8, failed: 0 }]);
  });

  it('report a lower bound as programmed when very many sessions have just ended', async () => {
    const gone: TestClient[] = [];
    for (let count = 0; count < 70; count++) gone.push(await arbiter.client());
    for (const [at, agent] of gone.entries()) await beat(agent, at < 66 ? 1 : 2);
    await beat(second, 9);
    for (const agent of gone) await lapse(agent);
    expect((await get()).programmed).toBeLessThanOrEqual(2);
    expect(await get()).toMatchObject({ programmed: 9 });
  });
});

describe('flow_failed', () => {
  let agent: TestClient;
  beforeEach(async () => {
    agent = await arbiter.client({ name: 'agent' });
    await flow(agent, ...FLOWS);
  });

  it('counts items of present incarnations, and is the same when repeated', async () => {
    const { incarnation } = (await get()).mfe;
    const { handle } = agent;
    const names = [FLOW, FLOW, OTHER, `${GROUP}0a090909`];
    const incarnations = [incarnation, incarnation + 1, 1, incarnation];
    const reasons = names.map(() => 'no space');
    for (let times = 0; times < 2; times++) {
      const reply = await arbiter.ask('flow_failed', { handle, names, incarnations, reasons });
      expect(reply).toEqual({ kind: 'counted', count: 1 });
      const failed = [{ session: agent.session, reason: 'no space' }];
      expect(await get()).toMatchObject({ failed });
      expect(await arbiter.ask('mfe_list', { after: '', limit: 100 })).toMatchObject({
        failed: [{ name: FLOW, by: failed }],
      });
      expect(await get(OTHER)).toMatchObject({ failed: [] });
      await beat(agent, 1);
      expect(await listed()).toMatchObject([{ failed: 1 }]);
    }
  });

  it('has the last reason of each session, until one succeeded after all', async () => {
    const other = await arbiter.client();
    await beat(agent, 1);
    await fail(agent, 'one', FLOW, OTHER);
    await fail(other, 'two', FLOW);
    await fail(agent, 'three', FLOW);
    const failed = [
      { session: other.session, reason: 'two' },
      { session: agent.session, reason: 'three' },
    ];
    expect(await get()).toMatchObject({ failed });
    expect(await listed()).toMatchObject([{ failed: 2 }]);
    for (let times = 0; times < 2; times++) {
      expect(await fail(agent, '', FLOW)).toEqual({ kind: 'counted', count: 1 });
      expect(await get()).toMatchObject({ failed: failed.slice(0, 1) });
      expect(await listed()).toMatchObject([{ failed: 1 }]);
    }
    await fail(agent, '', OTHER);
    await fail(other, '', FLOW);
    expect(await listed()).toMatchObject([{ failed: 0 }]);
    expect(await arbiter.link.command('EXISTS', key('mfe-failed'), key('failures'))).toBe(0);
  });

  it('shows 16 failures of an entry, and keeps 64', async () => {
    const many: TestClient[] = [];
    for (let count = 0; count < 66; count++) many.push(await arbiter.client());
    for (const one of many) {
      await beat(one, 1);
      expect(await fail(one, 'no space', FLOW)).toEqual({ kind: 'counted', count: 1 });
    }
    expect((await get()).failed).toHaveLength(16);
    expect((await listed()).filter(({ failed }) => failed === 1)).toHaveLength(64);
    await evict(many[0]?.session ?? 0);
    expect((await get()).failed).toHaveLength(16);
    await fail(many[65] ?? agent, 'no space', FLOW);
    expect((await listed()).filter(({ failed }) => failed === 1)).toHaveLength(64);
  });

  it('is forgotten with the entry, also where the next one is created in the same step', async () => {
    const owner = await arbiter.client();
    await beat(agent, 1);
    await fail(agent, 'no space', FLOW);
    await route(owner, WIDE, 9);
    await flow(agent, FLOW);
    expect(await get()).toMatchObject({ failed: [] });
    expect(await listed()).toMatchObject([{ failed: 0 }]);
    await fail(agent, 'no space', FLOW);
    expect(await listed()).toMatchObject([{ failed: 1 }]);
    await arbiter.ask('deregister', { ...agent.next(), force: true });
    expect(await arbiter.link.command('EXISTS', key('agents'), key('failures'))).toBe(0);
  });

  it('refuses what no session may report, and drops reports without memory', async () => {
    const fields = { names: [FLOW], incarnations: [1], reasons: ['no space'] };
    const expired = await arbiter.client({ componentId: 77 });
    await arbiter.client({ componentId: 77, takeover: true });
    for (let times = 0; times < 2; times++) {
      const ask = (handle: typeof NO_HANDLE) => arbiter.ask('flow_failed', { handle, ...fields });
      expect(await ask(NO_HANDLE)).toEqual({ kind: 'bad_handle' });
      expect(await ask(expired.handle)).toMatchObject({ kind: 'session_expired' });
    }
    using own = await openArbiter(redis);
    const { handle } = await own.client();
    await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await own.ask('flow_failed', { handle, ...fields })).toEqual({ kind: 'store_full' });
    await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
  });

  it('leaves nothing of a router whose entries and agents are gone', async () => {
    await beat(agent, 1);
    await fail(agent, 'no space', FLOW);
    expect(await kept()).toBe(4);
    await arbiter.ask('deregister', { ...agent.next(), force: true });
    expect(await kept()).toBe(1);
  });
});

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    /^(agents|flow_failed)/.test(operation) ? tags.map((tag) => `${operation}:${tag}`) : [],
  );
  expect(declared.filter((one) => !reached.has(one))).toEqual([]);
});
