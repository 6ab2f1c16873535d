import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { DECLARED, type ArbiterArgs, type FibItem } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import { arbiterForEach, on, passTime, reached, type Arbiter, type TestClient } from './arbiter.ts';
import { FLOW, flowNames, GROUP, requestsTo, WIDE } from './requests.ts';

let arbiter: Arbiter;
arbiterForEach((one) => {
  arbiter = one;
});

const requests = requestsTo(() => arbiter);
const { change, flow, key, present, release, sweep, take } = requests;

const ALL = '4';
/** The codes of elements: see lua/lib/member_change.lua. */
const [WILDCARD, EXACT] = [1, 2];
/** The mask of JOIN_ALERT and PRUNE_ALERT. */
const MASK = 3;

const route = (client: TestClient, number: number, neighbour = '') =>
  requests.route(client, WIDE, number, neighbour);

const leave = (client: TestClient, number: number, entry = GROUP) =>
  requests.leave(client, number, entry);
const join = (client: TestClient, number: number, entry = GROUP) =>
  requests.join(client, number, entry);
const codeOf = (entry: string) => (entry.length > GROUP.length ? EXACT : WILDCARD);
const forward = (client: TestClient, number: number, entry = FLOW) =>
  change('member_add', client, number, [entry], codeOf(entry));
const veto = (client: TestClient, number: number, entry = FLOW) =>
  change('member_delete', client, number, [entry], codeOf(entry));

const oifs = async (name?: string) => (await present(name)).oifs;

let pushed: FibItem[];
async function settled(): Promise<void> {
  pushed.push(...(await requests.settled(60_000)));
}

async function alertsOf(client: TestClient): Promise<string[]> {
  const alerts = await requests.alertsOf(client);
  return alerts.map(({ type, cause, items }) => `${type} ${cause} ${items}`);
}

let owner: TestClient;
let receiver: TestClient;
beforeEach(async () => {
  pushed = [];
  owner = await arbiter.client({ mask: MASK, ttlMs: 300_000 });
  receiver = await arbiter.client({ mask: MASK, ttlMs: 300_000 });
  await take(owner, 1, 2);
  await take(receiver, 3, 4);
  await route(owner, 1, '10.0.0.9');
});

describe('FORWARD', () => {
  it('ends with the hold of its interface, also if both come in one batch', async () => {
    await join(receiver, 3);
    await flow(receiver, FLOW);
    const interfaces = [on(4)];
    const [forwarded, released] = await Promise.all([
      forward(receiver, 4),
      arbiter.decide('release', { ...receiver.next(), interfaces, epoch: '' }),
    ]);
    expect([forwarded.reply.kind, released.reply.kind]).toEqual(['forwarded', 'released']);
    expect(released.batch).toBe(forwarded.batch);
    expect(released.batch.view.fib).toMatchObject([{ items: [{ mfe: { oifs: '3:,4:' } }] }]);
    await settled();
    expect(pushed).toMatchObject([{ kind: 'set', mfe: { oifs: '3:' } }]);
  });

  it('puts an interface on and off without a membership, and alerts the owner of the entry', async () => {
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    const { reply, batch } = await forward(receiver, 3);
    expect(reply).toMatchObject({ kind: 'forwarded', matched: 1, changed: true, mrev: 0 });
    expect(batch.view.fib).toMatchObject([{ items: [{ kind: 'set', mfe: { oifs: '3:' } }] }]);
    expect((await forward(receiver, 3)).reply).toMatchObject({ matched: 1, changed: false });
    expect((await veto(receiver, 3)).reply).toMatchObject({ matched: 1, changed: true });
    expect(await oifs()).toBe('');
    expect(await alertsOf(owner)).toEqual([
      `PRUNE_FALSE created ${FLOW} 1: ${incarnation}`,
      `JOIN_FALSE forward ${FLOW} ${incarnation}`,
      `PRUNE_FALSE forward ${FLOW} 3: ${incarnation}`,
    ]);
  });

  it('concerns all entries that it covers, and none that is created later', async () => {
    const other = `${GROUP}0a010204`;
    await flow(receiver, FLOW, other, '4e00000020a010203');
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject({ matched: 2, changed: true });
    expect((await forward(receiver, 4, ALL)).reply).toMatchObject({ matched: 3, changed: true });
    expect(await oifs(other)).toBe('3:,4:');
    expect(await oifs('4e00000020a010203')).toBe('4:');
    await flow(receiver, `${GROUP}0a010205`);
    expect(await oifs(`${GROUP}0a010205`)).toBe('');
  });

  it('needs an entry for an exact (s,g), and covers none by a wildcard', async () => {
    expect((await forward(receiver, 3)).reply).toMatchObject({ failed: [{ reason: 'no_mfe' }] });
    const none = { kind: 'forwarded', matched: 0, changed: false };
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject(none);
    expect((await veto(receiver, 3, GROUP)).reply).toMatchObject(none);
  });

  it('vetoes an interface in spite of its memberships until it joins again', async () => {
    await join(receiver, 3);
    await flow(receiver, FLOW);
    await veto(receiver, 3);
    expect(await present()).toMatchObject({ oifs: '', alerted: false });
    const again = await join(receiver, 3);
    expect(again.reply).toMatchObject({ kind: 'changed', count: 0 });
    expect(await present()).toMatchObject({ oifs: '3:', alerted: true });
    await veto(receiver, 3);
    await join(receiver, 3, ALL);
    expect(await oifs()).toBe('3:');
    await veto(receiver, 3);
    await join(receiver, 4);
    expect(await oifs()).toBe('4:');
  });

  it('leaves the veto of an owner alone when IGMP joins beside it', async () => {
    const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
    await take(igmp, 3);
    await join(igmp, 3);
    await flow(receiver, FLOW);
    await veto(receiver, 3);
    await join(igmp, 3, FLOW);
    expect(await oifs()).toBe('');
    expect((await forward(igmp, 3)).reply).toMatchObject({ kind: 'not_owner' });
    await join(receiver, 3);
    expect(await oifs()).toBe('3:');
  });

  it('ends at the instant another client decides for the interface', async () => {
    await flow(receiver, FLOW);
    await forward(receiver, 3);
    await release(receiver, 3);
    expect(await oifs()).toBe('');
    await settled();
    expect(pushed).toMatchObject([{ kind: 'set', mfe: { oifs: '', alerted: false } }]);
    const { incarnation } = await present();
    expect((await alertsOf(owner)).at(-1)).toBe(`PRUNE_FALSE forward ${FLOW} 3: ${incarnation}`);
    await take(receiver, 3);
    expect(await oifs()).toBe('');
    await join(receiver, 3);
    await veto(receiver, 3);
    await release(receiver, 3);
    await settled();
    await take(owner, 3);
    await join(owner, 3);
    expect(await oifs()).toBe('3:');
  });

  it('is the cause of an alert only if its own interface appeared or went', async () => {
    await join(receiver, 3);
    await flow(receiver, FLOW);
    const { incarnation } = await present();
    await forward(owner, 2);
    await release(owner, 2);
    await leave(receiver, 3);
    const alerts = await alertsOf(owner);
    expect(alerts.filter((alert) => alert.includes('_FALSE'))).toEqual([
      `JOIN_FALSE created ${FLOW} ${incarnation}`,
      `PRUNE_FALSE member ${FLOW} 3: ${incarnation}`,
    ]);
  });

  it('survives inheritance', async () => {
    await flow(owner, FLOW);
    const former = { componentId: 900, instance: 'the former process' };
    const old = await arbiter.client(former);
    await take(old, 7);
    await forward(old, 7);
    await arbiter.client({ ...former, instance: 'the next process', takeover: true });
    await settled();
    expect(await oifs()).toBe('7:');
  });

  it('of IGMP alone ends when a routing protocol takes the interface', async () => {
    const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
    await take(igmp, 8);
    await flow(owner, FLOW);
    await forward(igmp, 8);
    expect(await oifs()).toBe('8:');
    await take(owner, 8);
    expect(await oifs()).toBe('');
  });

  it('of IGMP stays ended when that routing protocol leaves before a sweep', async () => {
    const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
    await take(igmp, 8);
    await flow(owner, FLOW);
    await forward(igmp, 8);
    expect(await oifs()).toBe('8:');
    await take(owner, 8);
    await release(owner, 8);
    expect(await oifs()).toBe('');
    await forward(igmp, 8);
    expect(await oifs()).toBe('8:');
    await settled();
    expect(await oifs()).toBe('8:');
  });

  it('never makes the incoming interface an outgoing one', async () => {
    await flow(owner, FLOW);
    expect((await forward(owner, 1)).reply).toMatchObject({ matched: 1 });
    expect(await oifs()).toBe('');
  });
});

describe('FORWARD that covers more than 64 entries', () => {
  const names = flowNames(200);
  const [first = '', last = ''] = [names[0], names.at(-1)];
  beforeEach(() => flow(receiver, ...names));

  it('applies to reads immediately, and is pushed in slices', async () => {
    const { reply, batch } = await forward(receiver, 3, GROUP);
    expect(reply).toMatchObject({ kind: 'forwarded', matched: 200, changed: true });
    expect(batch.view).toMatchObject({ isUnsettled: true });
    expect(await oifs(first)).toBe('3:');
    expect(await oifs(last)).toBe('3:');
    await settled();
    expect(pushed.map(({ mfe }) => mfe?.oifs)).toEqual(names.map(() => '3:'));
    expect(await oifs(last)).toBe('3:');
  });

  it.each([
    { what: 'FORWARD', override: forward },
    { what: 'a veto', override: veto },
  ])('says that a repeat of $what changes nothing, once the first is written', async (row) => {
    const { override } = row;
    expect((await override(receiver, 3, GROUP)).reply).toMatchObject({ changed: true });
    await settled();
    for (let times = 0; times < 2; times++) {
      const { reply, batch } = await override(receiver, 3, GROUP);
      expect(reply).toMatchObject({ kind: 'forwarded', matched: 200, changed: false });
      expect(batch.view).toMatchObject({ isUnsettled: false });
    }
    await flow(receiver, `${GROUP}0a010300`);
    expect((await override(receiver, 3, GROUP)).reply).toMatchObject({
      ...{ matched: 201, changed: true },
    });
    await settled();
    expect((await override(receiver, 3, GROUP)).reply).toMatchObject({ changed: false });
  });

  it('changes what other requests changed since, in the same batch, too', async () => {
    await forward(receiver, 3, GROUP);
    await settled();
    const [one, all] = await Promise.all([veto(receiver, 3, first), forward(receiver, 3, GROUP)]);
    expect(all.batch).toBe(one.batch);
    expect(all.reply).toMatchObject({ changed: true });
    expect(await oifs(first)).toBe('3:');
    await veto(receiver, 3, GROUP);
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject({ changed: true });
    expect(await oifs(last)).toBe('3:');
  });

  it('changes overrides of a former hold', async () => {
    await forward(receiver, 3, GROUP);
    await settled();
    await release(receiver, 3);
    await take(receiver, 3);
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject({ changed: true });
    expect([await oifs(first), await oifs(last)]).toEqual(['3:', '3:']);
    await settled();
    // The sweep has removed some of the former overrides, and these entries have new ones: the others still need them.
    await release(receiver, 3);
    await take(receiver, 3);
    await sweep();
    const left = Number(
      await arbiter.link.command('ZLEXCOUNT', key('mfe-index'), '[o3: ', '(o3:!'),
    );
    expect(left).toBeGreaterThan(0);
    for (const name of names.slice(0, names.length - left)) await forward(receiver, 3, name);
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject({ changed: true });
    await settled();
    expect([await oifs(first), await oifs(last)]).toEqual(['3:', '3:']);
  });

  it('is followed in the order of the requests, whatever the sweep has done', async () => {
    await forward(receiver, 3, GROUP);
    await veto(receiver, 3, last);
    await sweep();
    await veto(receiver, 3, GROUP);
    await forward(receiver, 3, first);
    await forward(receiver, 4, GROUP);
    expect([await oifs(first), await oifs(last)]).toEqual(['3:,4:', '4:']);
    await settled();
    expect([await oifs(first), await oifs(last)]).toEqual(['3:,4:', '4:']);
    expect(new Set(pushed.slice(-200).map(({ mfe }) => mfe?.oifs))).toContain('4:');
  });

  it('is undone by a later JOIN, before and after the sweep', async () => {
    await join(receiver, 3);
    await settled();
    await veto(receiver, 3, GROUP);
    expect(await oifs(last)).toBe('');
    await join(receiver, 3);
    expect(await oifs(last)).toBe('3:');
    await veto(receiver, 3, GROUP);
    await settled();
    expect(await oifs(last)).toBe('');
    await join(receiver, 3);
    expect([await oifs(first), await oifs(last)]).toEqual(['3:', '3:']);
    await settled();
    expect([await oifs(first), await oifs(last)]).toEqual(['3:', '3:']);
  });

  it('is refused while too many others are still to be written', async () => {
    for (let count = 0; count < 32; count++) {
      await forward(receiver, 3, GROUP);
      await veto(receiver, 3, GROUP);
    }
    expect((await forward(receiver, 3, GROUP)).reply).toEqual({ kind: 'rules_full' });
    expect((await veto(receiver, 3, GROUP)).reply).toEqual({ kind: 'rules_full' });
    await settled();
    expect((await forward(receiver, 3, GROUP)).reply).toMatchObject({ kind: 'forwarded' });
    expect(await oifs(last)).toBe('3:');
  });
});

describe('mfe_set', () => {
  const set = (client: TestClient, fields: Partial<ArbiterArgs['mfe_set']> = {}) => {
    const { handle, seq, ack } = client.next();
    const unset = { upstream: '', isGiven: false, timeout: 0, incarnation: 0, epoch: '' };
    return arbiter.decide('mfe_set', { handle, seq, ack, name: FLOW, ...unset, ...fields });
  };

  it('keeps the upstream router that the owner chose, whatever the view says', async () => {
    await flow(owner, FLOW);
    const chosen = { upstream: '10.0.0.77', isGiven: true };
    const { reply, batch } = await set(owner, chosen);
    expect(reply).toEqual({ kind: 'set', frev: 2 });
    expect(batch.view.fib).toMatchObject([{ items: [{ mfe: { neighbour: '10.0.0.77' } }] }]);
    expect((await set(owner, chosen)).reply).toEqual({ kind: 'set', frev: 2 });
    await route(owner, 1, '10.0.0.10');
    await settled();
    expect(await present()).toMatchObject({ neighbour: '10.0.0.77', prefix: WIDE });
    await set(owner, { upstream: '', isGiven: true });
    expect(await present()).toMatchObject({ neighbour: '' });
  });

  it('counts the time from the creation, and deletes an entry whose time is over', async () => {
    await flow(owner, FLOW);
    const { incarnation } = await present();
    await set(owner, { timeout: 86_400_000, incarnation });
    expect(await present()).toMatchObject({ timeoutMs: 86_400_000 });
    await eventually(async () => expect((await present()).upMs).toBeGreaterThan(20), {
      withinMs: 30_000,
    });
    const { reply, batch } = await set(owner, { timeout: 20, incarnation });
    expect(reply).toMatchObject({ kind: 'set', frev: 3 });
    expect(batch.view.fib).toMatchObject([{ items: [{ kind: 'del', cause: 'timeout' }] }]);
    expect(await arbiter.ask('mfe_get', { name: FLOW })).toEqual({ kind: 'none' });
  });

  it('lets a sweep delete the entry at the new time', async () => {
    await flow(owner, FLOW);
    await set(owner, { timeout: 60_000, incarnation: (await present()).incarnation });
    await settled();
    expect(pushed).toEqual([]);
    await passTime(arbiter, 60_000);
    await settled();
    expect(pushed).toMatchObject([{ kind: 'del', name: FLOW, cause: 'timeout' }]);
  });

  it('refuses in the order of the contract: entry, incarnation, owner, epoch', async () => {
    const wrong = { incarnation: 1, epoch: '1' };
    for (let times = 0; times < 2; times++) {
      expect((await set(receiver, wrong)).reply).toEqual({ kind: 'no_mfe' });
    }
    await flow(owner, FLOW);
    const { incarnation } = await present();
    expect((await set(receiver, wrong)).reply).toEqual({
      kind: 'other_incarnation',
      current: incarnation,
    });
    const notOwner = { kind: 'not_owner', holder: { session: owner.session } };
    expect((await set(receiver, { epoch: '1' })).reply).toMatchObject(notOwner);
    expect((await set(owner, { epoch: '1' })).reply).toMatchObject({ kind: 'other_epoch' });
    const negative = '4e0000001c0000201';
    await flow(owner, negative);
    expect((await set(owner, { name: negative })).reply).toEqual({ kind: 'not_owner' });
  });

  it('accepts the epoch of the hold, also where the entry shows a higher one', async () => {
    const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
    const held = await arbiter.ask('take', { ...igmp.next(), interfaces: [on(8)] });
    if (held.kind !== 'granted') throw new Error(held.kind);
    await take(owner, 8);
    await release(owner, 8);
    await route(owner, 8);
    await flow(owner, FLOW);
    const shown = (await present()).epoch;
    expect(Number(shown)).toBeGreaterThan(Number(held.epoch));
    for (const epoch of [held.epoch, shown]) {
      if (epoch === undefined) throw new Error('the entry has no epoch');
      expect((await set(igmp, { epoch })).reply).toMatchObject({ kind: 'set' });
    }
    expect((await set(igmp, { epoch: '1' })).reply).toEqual({
      kind: 'other_epoch',
      current: held.epoch,
    });
  });

  it('refuses what sequencing refuses, and gives a repeat the reply of the first time', async () => {
    await flow(owner, FLOW);
    expect((await set({ ...owner, next: forged(owner) })).reply).toEqual({ kind: 'bad_handle' });
    const { handle, seq, ack } = owner.next();
    const fields = { ...{ name: FLOW, upstream: '10.0.0.1', isGiven: true }, timeout: 0 };
    const call = { handle, seq, ack, ...fields, incarnation: 0, epoch: '' };
    expect(await arbiter.ask('mfe_set', call)).toEqual({ kind: 'set', frev: 2 });
    await set(owner, { upstream: '10.0.0.2', isGiven: true });
    expect(await arbiter.ask('mfe_set', { ...call, ack: 1 })).toMatchObject({
      kind: 'stale_request',
    });
    expect(await arbiter.ask('mfe_set', { ...call, seq: 9_999 })).toMatchObject({
      kind: 'seq_too_high',
    });
  });

  it('refuses the handle of a former session, and a seq that was another operation', async () => {
    const fields = { name: FLOW, upstream: '', isGiven: false, timeout: 0, incarnation: 0 };
    const former = await arbiter.client({ componentId: 901 });
    await take(former, 9);
    const again = { handle: former.handle, seq: 1, ack: 1, ...fields, epoch: '' };
    expect(await arbiter.ask('mfe_set', again)).toMatchObject({ kind: 'seq_reused' });
    await arbiter.client({ componentId: 901, instance: 'the next process', takeover: true });
    expect(await arbiter.ask('mfe_set', again)).toMatchObject({ kind: 'session_expired' });
  });

  it('changes nothing without memory', async () => {
    await flow(owner, FLOW);
    await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await set(owner, { upstream: '10.0.0.1', isGiven: true })).reply).toEqual({
      kind: 'store_full',
    });
    await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await present()).toMatchObject({ neighbour: '10.0.0.9' });
  });

  const forged = (client: TestClient) => () => ({ ...client.next(), handle: NO_HANDLE });
});

/** Reached where the window of kept replies is full, like that of `take`. */
const OF_FULL_WINDOWS = ['mfe_set:window_full'];

it('reached every reply about overrides and of mfe_set', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    tags.map((tag) => `${operation}:${tag}`),
  );
  const own = declared.filter((one) => /^mfe_set:|^member_\w+:(forwarded|rules_full)$/.test(one));
  expect(own).toContain('member_add:rules_full');
  expect(own.filter((one) => !reached.has(one))).toEqual(OF_FULL_WINDOWS);
});
