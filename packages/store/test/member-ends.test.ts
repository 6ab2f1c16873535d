import { startRedis, type RunningServer } from '@mgm/devstack';
import type { InterfaceKey } from '@mgm/protocol';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { on, openArbiter, type Arbiter, type TestClient } from './arbiter.ts';

/** Ends of clients with memberships before any sweep, which a manager runs at once. */
let redis: RunningServer;
beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

/** A group of its own for each interface. */
const groupOf = (ifIndex: number): string => `4e0${ifIndex.toString(16).padStart(6, '0')}`;
const SERVING_MS = 3_600_000;
/** No lease runs out while a test sweeps, however slow the machine is: that would end memberships which the test counts. */
const LASTING = { ttlMs: SERVING_MS };
const ALL = { from: '', to: '', after: '', slot: 0, limit: 10, session: 0, interface: '' };

/** Mask of JOIN_ALERT and PRUNE_ALERT. */
const TRUE_ALERTS = 3;

async function join(arbiter: Arbiter, client: TestClient, ...interfaces: number[]): Promise<void> {
  const held = interfaces.map((ifIndex) => on(ifIndex));
  await arbiter.ask('take', { ...client.next(), interfaces: held });
  await change(arbiter, 'member_add', client, held, interfaces.map(groupOf));
}

async function change(
  arbiter: Arbiter,
  operation: 'member_add' | 'member_delete',
  client: TestClient,
  interfaces: readonly InterfaceKey[],
  entries: readonly string[],
): Promise<void> {
  const { handle, seq, ack } = client.next();
  const codes = interfaces.map(() => 0);
  const elements = { interfaces, entries, codes, epoch: '', single: false };
  const reply = await arbiter.ask(operation, { handle, seq, ack, ...elements });
  expect(reply).toMatchObject({ kind: 'changed', count: interfaces.length });
}

/** More interfaces than the end of a session releases in its own step. */
const MANY = Array.from({ length: 300 }, (_, at) => at + 10);

/** Releases only some interfaces in its own step. */
const end = (arbiter: Arbiter, { session }: TestClient) =>
  arbiter.ask('admin_evict', { session, actor: 'operator', why: 'a test' });

/** One slice that releases one interface, or purges one entry. */
const slice = (arbiter: Arbiter) =>
  arbiter.decide('sweep', { most: 1, mostEntries: 1, servingMs: SERVING_MS });

it('lists no membership of an ended client, even before a sweep has removed its holds', async () => {
  using arbiter = await openArbiter(redis);
  const [ending, staying] = [await arbiter.client(LASTING), await arbiter.client(LASTING)];
  await join(arbiter, ending, ...MANY);
  await join(arbiter, staying, 2);
  await end(arbiter, ending);
  const { session } = staying;
  expect(await arbiter.ask('members', ALL)).toEqual({
    kind: 'page',
    items: [{ entry: groupOf(2), interface: on(2), session, countsFor: session, exclude: '' }],
    after: '',
    slot: 0,
  });
});

it('is settled only when the last hold of an ended client is removed and its entries are purged', async () => {
  using arbiter = await openArbiter(redis);
  const [ending, other] = [await arbiter.client(LASTING), await arbiter.client(LASTING)];
  await join(arbiter, ending, ...MANY);
  await join(arbiter, other, 4);
  await end(arbiter, ending);
  const ended = (await arbiter.decide('head', {})).rev;
  const settledAt: number[] = [];
  let isSettled = false;
  while (!isSettled) {
    const { rev, batch } = await slice(arbiter);
    isSettled = batch.members.settled === rev;
    if (batch.members.settled >= ended) settledAt.push(batch.members.mrev);
  }
  expect(new Set(settledAt)).toEqual(new Set([2 * MANY.length + 1]));
});

it('passes quickly over entries of which nothing is withdrawn', async () => {
  using arbiter = await openArbiter(redis);
  const [staying, ending] = [await arbiter.client(LASTING), await arbiter.client(LASTING)];
  await join(arbiter, staying, 1);
  await join(arbiter, ending, 5_000);
  const groups = (first: number, count: number) =>
    Array.from({ length: count }, (_, at) => groupOf(first + at));
  const onAll = (ifIndex: number, entries: readonly string[]) => entries.map(() => on(ifIndex));
  const [before, many] = [groups(10, 2_000), groups(10_000, 300)];
  await change(arbiter, 'member_add', staying, onAll(1, before), before);
  // More than are kept by name.
  await change(arbiter, 'member_add', ending, onAll(5_000, many), many);
  await change(arbiter, 'member_delete', ending, onAll(5_000, many), many);
  await arbiter.ask('release', { ...ending.next(), interfaces: [on(5_000)], epoch: '' });
  let slices = 0;
  for (let isSettled = false; !isSettled; slices++) {
    const { rev, batch } = await arbiter.decide('sweep', {
      most: 64,
      mostEntries: 64,
      servingMs: SERVING_MS,
    });
    isSettled = batch.members.settled === rev;
  }
  expect(slices).toBeLessThan(15);
});

it('writes the alerts of one request in the order of its changes, also when types alternate', async () => {
  using arbiter = await openArbiter(redis);
  const [reader, leaving, adding] = [
    await arbiter.client({ mask: TRUE_ALERTS }),
    await arbiter.client(LASTING),
    await arbiter.client(LASTING),
  ];
  await join(arbiter, leaving, 2);
  await arbiter.ask('release', { ...leaving.next(), interfaces: [on(2)], epoch: '' });
  await arbiter.ask('take', { ...adding.next(), interfaces: [on(1)] });
  // The second element purges what the release withdrew before it joins.
  await change(
    arbiter,
    'member_add',
    adding,
    [on(1), on(1), on(1)],
    [groupOf(1), groupOf(2), groupOf(3)],
  );
  const mailbox = await arbiter.ask('mailbox', { handle: reader.handle, after: 1, limit: 10 });
  if (mailbox.kind !== 'messages') throw new Error(mailbox.kind);
  const alerts = mailbox.entries.flatMap((entry) => entry.alerts);
  expect(alerts.map(({ seq, type, items }) => `${seq} ${type} ${items}`)).toEqual([
    `2 JOIN_ALERT ${groupOf(1)}`,
    `3 PRUNE_ALERT ${groupOf(2)} 2: 0`,
    `4 JOIN_ALERT ${groupOf(2)},${groupOf(3)}`,
  ]);
});

it('settles a hold that once had many memberships and now has few without a pass over all entries', async () => {
  using arbiter = await openArbiter(redis);
  const [staying, ending] = [await arbiter.client(LASTING), await arbiter.client(LASTING)];
  await join(arbiter, staying, 1);
  await join(arbiter, ending, 5_000);
  const groups = (first: number, count: number) =>
    Array.from({ length: count }, (_, at) => groupOf(first + at));
  const onAll = (ifIndex: number, entries: readonly string[]) => entries.map(() => on(ifIndex));
  const [others, many] = [groups(10, 3_000), groups(10_000, 300)];
  await change(arbiter, 'member_add', staying, onAll(1, others), others);
  await change(arbiter, 'member_add', ending, onAll(5_000, many), many);
  const gone = many.slice(0, 290);
  await change(arbiter, 'member_delete', ending, onAll(5_000, gone), gone);
  const sweep = () => arbiter.decide('sweep', { most: 64, mostEntries: 64, servingMs: SERVING_MS });
  // While the names are found, memberships come and go.
  const [late, early] = [groupOf(1_000_000), groupOf(1)];
  for (let slices = 0; (await sweep()).reply.more; slices++) {
    expect(slices).toBeLessThan(200);
    if (slices === 10) await change(arbiter, 'member_add', ending, [on(5_000)], [early]);
    if (slices === 11) await change(arbiter, 'member_add', ending, [on(5_000)], [late]);
    if (slices === 12) {
      const last = many.slice(-1);
      await change(arbiter, 'member_delete', ending, onAll(5_000, last), last);
    }
  }
  await arbiter.ask('release', { ...ending.next(), interfaces: [on(5_000)], epoch: '' });
  const { rev } = await sweep();
  const { batch } = await sweep();
  expect(batch.members.settled).toBe(rev);
  const { session } = ending;
  expect(await arbiter.ask('members', { ...ALL, session })).toMatchObject({ items: [] });
});
