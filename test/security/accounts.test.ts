import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@mgm/client';
import { startRedis, type RunningServer } from '@mgm/devstack';
import { eventually, startManager, type ManagerProcess } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { pairs, type RawRouter } from '../support/raw-client.ts';
import { pack } from '../support/raw-codec.ts';
import { startAccounts, USERS, type AccountsServer, type User } from '../support/accounts.ts';
import {
  BY,
  Callers,
  expectQuotas,
  expectRequestQuota,
  expectNoActForAnother,
  expectNoForeignReplies,
  expectNoForgedHeads,
  notPermitted,
  pim,
  expectReadableService,
  expectOnlyOwnCallbacks,
  expectOnlyOwnQuestions,
} from './callers.ts';

const choice = inject('servers');
const POLICY = fileURLToPath(new URL('policy.yaml', import.meta.url));

let nats: AccountsServer;
let redis: RunningServer;
let manager: ManagerProcess;
let dir: string;
let policyFile: string;
let callers: Callers<User>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-policy-'));
  policyFile = join(dir, 'policy.yaml');
  await copyFile(POLICY, policyFile);
  nats = await startAccounts(choice);
  redis = await startRedis(choice);
  manager = await startManager(
    { nats: { url: nats.urlOf('manager') }, redis },
    { MGM_IDENTITY: 'subject', MGM_POLICY_FILE: policyFile },
  );
  callers = await Callers.connect(USERS, (user) => nats.connect(user));
});
afterAll(async () => {
  await callers[Symbol.asyncDispose]();
  await manager.stop();
  await redis.stop();
  await nats[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const as = (user: User): RawRouter => callers.as(user);

describe('under accounts, a worker', () => {
  it('registers, takes, releases and reads as without identities', async () => {
    const session = await as('pim1').register(pim());
    const { epoch } = ok(await session.take(7));
    expect(await as('dvmrp1').owner(7)).toMatchObject({ status: 0, epoch });
    ok(await session.release(7));
    ok(await session.deregister());
    const events = await as('noc').eventsAfter(0);
    expect(events.every((event) => (event as { caller?: string }).caller === 'pim1')).toBe(true);
  });

  it('cannot listen to requests, replies or callbacks of others', async () => {
    const subjects = ['>', 'as.>', 'mgm.v1.r1.*', '_R_.>', 'mgm.v1.r2.callback.*'];
    await callers.expectNoListening('dvmrp1', subjects);
    await expectOnlyOwnCallbacks(callers);
  });

  it('cannot forge callbacks, events, heads or requests of others', async () => {
    const seen = ['callback.*', 'event.*', 'head'].map((tail) =>
      callers.listenForForged('pim1', `mgm.v1.r1.${tail}`),
    );
    await callers.connectionOf('pim1').flush();
    await callers.expectNoPublishing('dvmrp1', [
      'mgm.v1.r1.callback.1',
      'mgm.v1.r1.event.taken',
      'as.pim1.mgm.v1.r1.callback.1',
      'as.pim1.mgm.v1.r1.take',
    ]);
    await callers.connectionOf('pim1').flush();
    expect(seen.flat()).toEqual([]);
  });

  it('cannot have replies sent to subjects of others, nor heads', async () => {
    await expectNoForeignReplies(callers);
    await expectNoForgedHeads(callers);
  });

  it('cannot call operations of operators, nor another router', async () => {
    await callers.expectNoPublishing('pim1', [
      'mgm.v1.r1.admin.evict',
      'mgm.v1.r1.admin.member.add',
      'mgm.v1.r1.admin.member.delete',
      'mgm.v1.r1.admin.interface.set',
      'mgm.v1.r2.take',
      '$SRV.STATS',
    ]);
    expect(manager.output()).not.toContain('evicted');
  });

  it('answers its own questions, and cannot receive, answer or send those of others', async () => {
    await expectOnlyOwnQuestions(callers);
  });

  it('cannot use a stolen handle, nor take over the pair of another identity', async () => {
    await expectNoActForAnother(callers);
  });

  it('is refused what no rule permits, with the rule that comes closest', async () => {
    expect(await as('pim1').request('register', pim({ componentId: 2 }))).toMatchObject(
      notPermitted(/rule "pim on r1".*component 2/),
    );
    const session = await as('pim1').register(pim());
    const reply = ok(await session.takeAll([...pairs(1, 7), ...pairs(2, 100)]));
    expect(reply).toMatchObject({
      results: [{ status: 0 }, { status: 0 }, notPermitted(/interface/)],
    });
    expect(await session.take(101)).toMatchObject(notPermitted(/interface/));
    expect(await as('noc').request('register', pim())).toMatchObject(
      notPermitted(/rule "operators"/),
    );
    ok(await session.deregister({ force: true }));
  });

  it('stays within its quotas', async () => {
    await expectQuotas(callers);
    await expectRequestQuota(callers);
  });
});

describe('under accounts, group memberships', () => {
  it('are added by the worker that holds the interface, and reach watchers', async () => {
    const watched = callers.listen('noc', 'mgm.v1.r1.membership.*');
    await callers.connectionOf('noc').flush();
    const session = await as('dvmrp1').register(pim({ protocolId: 104 }));
    ok(await session.take(9));
    const { handle } = session;
    const group = { handle, seq: 2, ack: 2, ifIndex: 9, group: '239.1.2.3' };
    expect(await as('dvmrp1').request('member.add', group)).toMatchObject({ changed: true });
    await eventually(() => expect(watched).toEqual(['mgm.v1.r1.membership.joined']), {
      withinMs: 30_000,
    });
    const foreign = await as('pim1').request('member.delete', { ...group, seq: 3 });
    expect(foreign).toMatchObject({ reason: 'bad-handle' });
    expect(ok(await as('noc').request('members', {})).items).toHaveLength(1);
    ok(await as('noc').request('admin.evict', { session: session.session, ...BY }));
  });
});

describe('under accounts, an operator', () => {
  it('reads the service, acts by force, and finds refused attempts and callers in the log', async () => {
    await expectReadableService(callers);
    await using mgm = await connect({ servers: nats.urlOf('noc'), router: 'r1' });
    expect(await mgm.replicas()).toMatchObject([{ identity: 'subject', trouble: [] }]);
    const missing = await as('noc').request('admin.evict', { session: 4711, ...BY });
    expect(missing).toMatchObject({ reason: 'not-found' });
    const membership = { ifIndex: 200, group: '239.1.2.3', ...BY };
    ok(await as('noc').request('admin.member.add', membership));
    ok(await as('noc').request('admin.member.delete', membership));
    ok(await as('noc').request('admin.interface.set', { ifIndex: 200, ...BY }));
    const log = ok(await as('noc').request('admin.events', { from: 0 }));
    expect(log).toMatchObject({
      events: expect.arrayContaining([
        expect.objectContaining({ operation: 'admin.evict', type: 'refused', caller: 'noc' }),
        expect.objectContaining({ operation: 'admin.member.add', type: 'joined', caller: 'noc' }),
      ]) as unknown[],
    });
  });
});

describe('a manager that identifies callers', () => {
  it('refuses a request on a subject without identity', async () => {
    const reply = await callers
      .connectionOf('manager')
      .request('mgm.v1.r1.owner', pack({ ifIndex: 1 }), { timeout: 1_000 })
      .catch((error: unknown) => String(error));
    expect(reply).toMatch(/Permissions Violation|503/);
  });

  it('reads the policy again when the file changes, and keeps it when the file is broken', async () => {
    const policy = await readFile(policyFile, 'utf8');
    const ask = () => as('noc').request('validate', { ifIndex: 7, epoch: '1' });
    expect(await ask()).not.toMatchObject({ reason: 'not-permitted' });
    await writeFile(policyFile, policy.replace('operations: [read, admin]', 'operations: [owner]'));
    await eventually(async () => expect(await ask()).toMatchObject(notPermitted(/operators/)), {
      withinMs: 30_000,
    });
    await writeFile(policyFile, 'version: 3\n');
    await eventually(() => expect(manager.output()).toContain('policy not read'), {
      withinMs: 30_000,
    });
    expect(manager.output()).toContain('version: must be 1');
    expect(await ask()).toMatchObject(notPermitted(/operators/));
    await writeFile(policyFile, policy);
    await eventually(
      async () => expect(await ask()).not.toMatchObject({ reason: 'not-permitted' }),
      { withinMs: 30_000 },
    );
  });

  it('writes no secret into its log', () => {
    const output = manager.output();
    for (const user of USERS) {
      const password = new URL(nats.urlOf(user)).password;
      expect(password).not.toBe('');
      expect(output).not.toContain(password);
    }
  });
});
