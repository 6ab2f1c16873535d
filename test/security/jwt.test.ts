import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startRedis, type RunningServer } from '@mgm/devstack';
import { startManager, type ManagerProcess } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
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
import { JWT_USERS, startJwt, type JwtServer, type JwtUser } from './jwt.ts';

const choice = inject('servers');
const POLICY = fileURLToPath(new URL('policy.yaml', import.meta.url));

let nats: JwtServer;
let redis: RunningServer;
let manager: ManagerProcess;
let callers: Callers<JwtUser>;

beforeAll(async () => {
  nats = await startJwt(choice);
  redis = await startRedis(choice);
  manager = await startManager(
    { nats: { url: nats.url }, redis },
    {
      MGM_IDENTITY: 'subject',
      MGM_POLICY_FILE: POLICY,
      MGM_NATS_CREDS: nats.credsOf('manager'),
    },
  );
  callers = await Callers.connect(JWT_USERS, (user) => nats.connect(user));
});
afterAll(async () => {
  await callers[Symbol.asyncDispose]();
  await manager.stop();
  await redis.stop();
  await nats[Symbol.asyncDispose]();
});

describe('in JWT mode, a worker', () => {
  it('receives its own callbacks, and nothing of others', async () => {
    await callers.expectNoListening('dvmrp1', ['>', 'as.>', 'mgm.v1.r1.*', '_R_.>']);
    await expectOnlyOwnCallbacks(callers);
    const events = await callers.as('noc').eventsAfter(0);
    const names = new Set(events.map((event) => (event as { caller?: string }).caller));
    expect([...names].toSorted()).toEqual(['noc', 'pim1']);
  });

  it('cannot forge messages of managers, nor requests of others', async () => {
    await callers.expectNoPublishing('dvmrp1', [
      ...['mgm.v1.r1.callback.1', 'mgm.v1.r1.event.taken', 'as.pim1.mgm.v1.r1.take'],
      ...['mgm.v1.r1.admin.evict', 'mgm.v1.r1.admin.member.add', 'mgm.v1.r1.admin.interface.set'],
      ...['mgm.v1.r2.take', '$SRV.STATS'],
    ]);
    expect(manager.output()).not.toContain('evicted');
  });

  it('answers its own questions, and cannot receive, answer or send those of others', async () => {
    await expectOnlyOwnQuestions(callers);
  });

  it('cannot use a stolen handle, nor take over another identity', async () => {
    await expectNoActForAnother(callers);
  });

  it('cannot have replies sent to subjects of others, nor heads', async () => {
    await expectNoForeignReplies(callers);
    await expectNoForgedHeads(callers);
  });

  it('cannot take an interface outside its range', async () => {
    const session = await callers.as('pim1').register(pim());
    expect(await session.take(101)).toMatchObject(notPermitted());
    ok(await session.deregister());
  });

  it('stays within its quotas', async () => {
    await expectQuotas(callers);
    await expectRequestQuota(callers);
  });
});

describe('in JWT mode, an operator', () => {
  it('reads the service, and is refused operations of workers', async () => {
    await expectReadableService(callers);
    expect(await callers.as('noc').request('register', pim())).toMatchObject(notPermitted());
    ok(await callers.as('noc').request('admin.interface.set', { ifIndex: 200, ...BY }));
  });
});

describe('a manager that logs in with a .creds file', () => {
  it('writes nothing of the file into its log', async () => {
    const creds = await readFile(nats.credsOf('manager'), 'utf8');
    const secrets = creds.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) expect(manager.output()).not.toContain(secret);
  });
});
