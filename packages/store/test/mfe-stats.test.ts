import { beforeEach, describe, expect, it } from 'vitest';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import {
  arbiterForEach,
  on,
  openArbiter,
  reached,
  type Arbiter,
  type TestClient,
} from './arbiter.ts';
import { flowNames, GROUP, requestsTo, WIDE } from './requests.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((one, server) => {
  arbiter = one;
  redis = server;
});

const { evict, flow, join, key, present, route, take } = requestsTo(() => arbiter);

const FLOWS = flowNames(20);
const [FLOW = '', OTHER = ''] = FLOWS;
/** The largest counter. */
const MOST = Number.MAX_SAFE_INTEGER;

const eight = (first: number) => Array.from({ length: 8 }, (_, at) => first + at);

type Oifs = Readonly<Record<number, readonly [number, number, number, number]>>;

const incarnationOf = async (name: string) => (await present(name)).incarnation;

/** Reports the counters of one entry, and of outgoing interfaces by number. */
async function report(
  { handle }: TestClient,
  counters: readonly number[],
  oifs: Oifs = {},
  name = FLOW,
) {
  const numbers = Object.keys(oifs).map(Number);
  return arbiter.ask('flow_stats', {
    handle,
    names: [name],
    incarnations: [await incarnationOf(name)],
    counters,
    oifCounts: [numbers.length],
    interfaces: numbers.map((number) => on(number)),
    oifCounters: Object.values(oifs).flat(),
  });
}

async function sums(name = FLOW) {
  const reply = await arbiter.ask('mfe_stats', { name, after: '', limit: 100 });
  if (reply.kind !== 'found') throw new Error(`no MFE ${name}`);
  return reply.stats.sums;
}

async function list(fields: Partial<ArbiterArgs['mfe_stats']> = {}) {
  const reply = await arbiter.ask('mfe_stats', { name: '', after: '', limit: 100, ...fields });
  if (reply.kind !== 'page') throw new Error(`no page but ${reply.kind}`);
  return reply;
}

/** An owner of interface 1 with a route to the sources, and outgoing interfaces 2 and 3; creates the entries. */
async function forward(agent: TestClient): Promise<TestClient> {
  const owner = await arbiter.client();
  await take(owner, 1, 2, 3);
  await route(owner, WIDE, 1);
  for (const number of [2, 3]) await join(owner, number, GROUP);
  await flow(agent, ...FLOWS);
  return owner;
}

describe('counters of forwarding entries', () => {
  let agent: TestClient;
  let other: TestClient;
  let owner: TestClient;
  beforeEach(async () => {
    agent = await arbiter.client();
    other = await arbiter.client();
    owner = await forward(agent);
  });

  it('are zero before a report', async () => {
    const zeros = { counters: eight(0).fill(0), oifCounters: [], outPackets: 0 };
    expect(await sums()).toEqual(zeros);
    expect((await list()).items).toHaveLength(FLOWS.length);
    expect(
      await arbiter.ask('mfe_stats', { name: `${GROUP}0a090909`, after: '', limit: 1 }),
    ).toEqual({
      kind: 'none',
    });
  });

  it('are sums over agents of what each reported last', async () => {
    for (let times = 0; times < 2; times++) {
      expect(await report(agent, eight(10), { 2: [1, 2, 3, 4] })).toEqual({
        kind: 'counted',
        count: 1,
      });
    }
    await report(other, eight(100), { 2: [10, 20, 30, 40], 3: [5, 6, 7, 8] });
    expect(await sums()).toEqual({
      counters: [110, 112, 114, 116, 118, 120, 122, 124],
      oifCounters: [11, 22, 33, 44, 5, 6, 7, 8],
      outPackets: 40,
    });
    await report(agent, eight(20));
    expect((await list({ limit: 1 })).items[0]).toMatchObject({
      sums: { counters: [120, 122, 124, 126, 128, 130, 132, 134], outPackets: 40 },
    });
    expect((await sums(OTHER)).counters).toEqual(eight(0).fill(0));
  });

  it('keep those of outgoing interfaces that a later report does not name', async () => {
    await report(agent, eight(1), { 2: [1, 1, 1, 1], 3: [2, 2, 2, 2] });
    await report(agent, eight(2), { 3: [3, 3, 3, 3] });
    expect(await sums()).toMatchObject({ oifCounters: [1, 1, 1, 1, 3, 3, 3, 3], outPackets: 4 });
  });

  it('show present outgoing interfaces only; packets sent count on', async () => {
    await report(agent, eight(1), { 2: [1, 1, 5, 1], 3: [2, 2, 6, 2], 9: [0, 0, 100, 0] });
    await arbiter.ask('release', { ...owner.next(), interfaces: [on(2)], epoch: '' });
    expect(await sums()).toMatchObject({ oifCounters: [2, 2, 6, 2], outPackets: 111 });
  });

  it('stay at the largest exact integer', async () => {
    await report(agent, eight(0).fill(MOST), { 2: [MOST, MOST, MOST, MOST], 3: [0, 0, MOST, 0] });
    await report(other, eight(0).fill(MOST), { 2: [1, 1, 1, 1] });
    expect(await sums()).toEqual({
      counters: eight(0).fill(MOST),
      oifCounters: [MOST, MOST, MOST, MOST, 0, 0, MOST, 0],
      outPackets: MOST,
    });
  });

  it('of other incarnations and unknown entries are not counted', async () => {
    const incarnation = await incarnationOf(FLOW);
    const reply = await arbiter.ask('flow_stats', {
      handle: agent.handle,
      names: [FLOW, `${GROUP}0a090909`, FLOW, OTHER],
      incarnations: [incarnation + 1, incarnation, incarnation, await incarnationOf(OTHER)],
      counters: [...eight(1), ...eight(2), ...eight(3), ...eight(4)],
      oifCounts: [1, 1, 0, 1],
      interfaces: [on(2), on(2), on(3)],
      oifCounters: [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3],
    });
    expect(reply).toEqual({ kind: 'counted', count: 2 });
    expect(await sums()).toMatchObject({ counters: eight(3), outPackets: 0 });
    expect(await sums(OTHER)).toMatchObject({
      counters: eight(4),
      oifCounters: [0, 0, 0, 0, 3, 3, 3, 3],
    });
  });

  it('are dropped with the session that reported them', async () => {
    await report(agent, eight(1), { 2: [1, 1, 1, 1] });
    await report(other, eight(2), { 2: [2, 2, 2, 2] });
    await evict(agent.session);
    expect(await sums()).toMatchObject({ counters: eight(2), outPackets: 2 });
    await arbiter.ask('deregister', { ...other.next(), force: true });
    expect(await sums()).toMatchObject({ counters: eight(0).fill(0), oifCounters: [] });
  });

  it('are dropped with the entry', async () => {
    await report(agent, eight(1));
    expect(await arbiter.link.command('HLEN', key('mfe-stats'))).toBe(1);
    await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
    await flow(agent, FLOW);
    expect(await sums()).toMatchObject({ counters: eight(0).fill(0) });
    expect(await arbiter.link.command('EXISTS', key('mfe-stats'))).toBe(0);
  });

  it('are listed page by page', async () => {
    await report(agent, eight(7), {}, FLOWS[4]);
    const seen: string[] = [];
    let after = '';
    do {
      const page = await list({ after, limit: 3 });
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map(({ mfe }) => mfe.name));
      ({ after } = page);
    } while (after !== '');
    expect(seen).toEqual(FLOWS);
    const [fifth] = (await list({ after: FLOWS[3] ?? '', limit: 1 })).items;
    expect(fifth).toMatchObject({ mfe: { name: FLOWS[4] }, sums: { counters: eight(7) } });
  });
});

it('refuses reports of sessions that are over, and drops reports without memory', async () => {
  const none = { names: [FLOW], incarnations: [1], counters: eight(0) };
  const fields = { ...none, oifCounts: [0], interfaces: [], oifCounters: [] };
  const expired = await arbiter.client({ componentId: 77 });
  await arbiter.client({ componentId: 77, takeover: true });
  for (let times = 0; times < 2; times++) {
    const ask = (handle: typeof NO_HANDLE) => arbiter.ask('flow_stats', { handle, ...fields });
    expect(await ask(NO_HANDLE)).toEqual({ kind: 'bad_handle' });
    expect(await ask(expired.handle)).toMatchObject({ kind: 'session_expired' });
  }
  using own = await openArbiter(redis);
  const { handle } = await own.client();
  await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await own.ask('flow_stats', { handle, ...fields })).toEqual({ kind: 'store_full' });
  await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
});

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    /^(flow|mfe)_stats/.test(operation) ? tags.map((tag) => `${operation}:${tag}`) : [],
  );
  expect(declared.filter((one) => !reached.has(one))).toEqual([]);
});
