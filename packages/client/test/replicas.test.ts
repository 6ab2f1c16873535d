import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startTcpProxy } from '@mgm/devstack';
import { eventually, skipAmongOthers, startManager } from '@mgm/test-support';
import { describe, expect, inject, it } from 'vitest';
import { connect as connectClient } from '../src/mod.ts';
import type { HeadMessage, Replica } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const STORE: unknown = expect.stringMatching(/^(redis|valkey) \d+\.\d+\.\d+$/);

/** A user without permission for replicas and heads. */
const CONFIG = `authorization { users: [ { user: pim, password: secret, permissions: {
  publish: { deny: "$SRV.>" }, subscribe: { deny: "*.*.*.head" }
} } ] }
`;

/** The only replica, once it replies in time. */
async function theReplica(list: () => Promise<Replica[]>): Promise<Replica> {
  return await eventually(async () => {
    const [replica, ...others] = await list();
    expect(others).toEqual([]);
    expect(replica).toBeDefined();
    return replica as Replica;
  }, MS);
}

describe('replicas', () => {
  it('reports the identity, the counts and the health of each manager', async (ctx) => {
    skipAmongOthers(ctx);
    await using mgm = await stage.client();
    const before = await theReplica(() => mgm.replicas());
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    const askedAt = Date.now();
    const after = await theReplica(() => mgm.replicas());
    expect(after).toMatchObject({
      id: before.id,
      version: '0.0.0',
      durability: 'memory',
      schema: expect.any(Number),
      store: STORE,
      trouble: [],
      failed: 0,
    });
    expect(after.name).toMatch(/^\S+$/);
    expect(after.requests).toBeGreaterThanOrEqual(before.requests + 2);
    expect(after.meanMs).toBeGreaterThan(0);
    expect(after.startedAt).toBeLessThanOrEqual(askedAt);
    expect(after.startedAt).toBeGreaterThan(askedAt - 3_600_000);
    const { aheadMs = NaN, withinMs = NaN } = after.storeClock ?? {};
    // Both clocks belong to this machine.
    expect(Math.abs(aheadMs)).toBeLessThanOrEqual(withinMs);
  });

  it('lists several by name, and leaves out those under another prefix', async (ctx) => {
    skipAmongOthers(ctx);
    await using mgm = await stage.client();
    const { servers } = stage;
    await using _a = await startManager(servers, { MGM_NAME: '0-first' });
    await using _b = await startManager(servers, { MGM_PREFIX: 'other', MGM_NAME: 'other' });
    await eventually(async () => {
      const found = await mgm.replicas({ withinMs: 1_000 });
      expect(found).toHaveLength(2);
      expect(found[0]?.name).toBe('0-first');
    }, MS);
    await using other = await stage.client({ prefix: 'other' });
    expect(await theReplica(() => other.replicas())).toMatchObject({ name: 'other' });
  });

  it('is empty immediately if there is none', async (ctx) => {
    skipAmongOthers(ctx);
    await using nats = await startNats(inject('servers'));
    await using mgm = await connectClient({ servers: nats.url, router: 'r1' });
    const askedMono = performance.now();
    expect(await mgm.replicas({ withinMs: 60_000 })).toEqual([]);
    expect(performance.now() - askedMono).toBeLessThan(30_000);
  });

  it('omits a manager that does not reply in time', async (ctx) => {
    skipAmongOthers(ctx);
    await using mgm = await stage.client();
    await using hasty = await stage.client({ deadlineMs: 300 });
    stage.manager.pause();
    const waiting = mgm.replicas({ withinMs: 100 });
    expect(await hasty.replicas({ withinMs: 100 })).toEqual([]);
    stage.manager.resume();
    // The first reply is awaited.
    expect(await waiting).toHaveLength(1);
  });

  it('says why a manager can not decide', async (ctx) => {
    skipAmongOthers(ctx);
    const { nats, redis } = stage.servers;
    const { hostname, port } = new URL(redis.url);
    await using proxy = await startTcpProxy({ host: hostname, port: Number(port) });
    const behind = { nats, redis: { url: `redis://${proxy.host}:${proxy.port}` } };
    await using _ = await startManager(behind, { MGM_PREFIX: 'cut-off' });
    await using mgm = await stage.client({ prefix: 'cut-off' });
    await proxy.refuse();
    await eventually(async () => {
      const { trouble, store, storeClock } = await theReplica(() => mgm.replicas());
      expect(trouble).toEqual([expect.stringMatching(/^redis: .+/)]);
      expect({ store, storeClock }).toEqual({ store: STORE, storeClock: undefined });
    }, MS);
    await errorOf(mgm.sessions({ deadlineMs: 500 }).next());
    expect((await theReplica(() => mgm.replicas())).failed).toBeGreaterThan(0);
  });

  it('refuses an invalid time, and aborts with its signal', async () => {
    await using mgm = await stage.client();
    const tooLong = await errorOf(mgm.replicas({ withinMs: 60_001 }));
    expect(tooLong).toMatchObject({ reason: 'bad-request', field: 'withinMs' });
    const aborted = await errorOf(mgm.replicas({ signal: AbortSignal.abort() }));
    expect(aborted).toMatchObject({ reason: 'aborted', outcome: 'not-done' });
  });

  it('and heads fail if NATS refuses them', async (ctx) => {
    const choice = inject('servers');
    ctx.skip(
      choice.source !== 'process',
      'needs a server that reads a configuration file of this machine',
    );
    const folder = await mkdtemp(join(tmpdir(), 'mgm-replicas-'));
    ctx.onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'nats.conf');
    await writeFile(file, CONFIG);
    await using nats = await startNats(choice, { args: ['-c', file] });
    const access = { servers: nats.url, user: 'pim', pass: 'secret' };
    await using mgm = await connectClient({ ...access, router: 'r1' });
    const unlisted = await errorOf(mgm.replicas({ withinMs: 60_000 }));
    expect(unlisted).toMatchObject({ reason: 'not-permitted', outcome: 'not-done' });
    expect(unlisted.message).toContain('$SRV.STATS.mgm-manager');
    const unheard = await errorOf(mgm.heads().next());
    expect(unheard).toMatchObject({ reason: 'not-permitted' });
    expect(unheard.message).toContain('mgm.v1.r1.head');
  });
});

describe('heads', () => {
  it('arrive while the router has live sessions, and end with the signal', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    const ending = new AbortController();
    const seen: HeadMessage[] = [];
    for await (const head of mgm.heads({ signal: ending.signal })) {
      seen.push(head);
      if (seen.length === 1) await session.takeInterfaceOwnership({ ifIndex: 7 });
      if (head.rev === 2) ending.abort();
    }
    expect(seen.at(-1)).toMatchObject({ rev: 2, first: 1, log: expect.stringMatching(/\S+/) });
    expect(new Set(seen.map(({ log }) => log)).size).toBe(1);
  });

  it('give a slow reader the last one', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    const heads = mgm.heads();
    expect((await heads.next()).value).toMatchObject({ rev: 1 });
    for (let ifIndex = 1; ifIndex <= 5; ifIndex++)
      await session.takeInterfaceOwnership({ ifIndex });
    await eventually(async () => expect((await heads.next()).value).toMatchObject({ rev: 6 }), MS);
    await heads.return?.();
  });

  it('end with the client', async () => {
    const mgm = await stage.client();
    const ended = mgm.heads().next();
    await mgm.close();
    expect(await ended).toMatchObject({ done: true });
  });
});
