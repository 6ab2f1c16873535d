import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startRedis, type RunningServer } from '@mgm/devstack';
import type { NatsConnection } from '@mgm/nats';
import { eventually, startManager, type ManagerProcess } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newInstance, RawRouter } from '../support/raw-client.ts';
import { pack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';
import { JWT_USERS, startJwt, type JwtServer, type JwtUser } from './jwt.ts';

const choice = inject('servers');
const POLICY = fileURLToPath(new URL('policy.yaml', import.meta.url));
const BY = { actor: 'anna', why: 'a test' };

let nats: JwtServer;
let redis: RunningServer;
let manager: ManagerProcess;
const connections = new Map<JwtUser, NatsConnection>();
const violations: string[] = [];

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
  for (const user of JWT_USERS) {
    const connection = await nats.connect(user);
    connections.set(user, connection);
    void follow(user, connection);
  }
});
afterAll(async () => {
  for (const connection of connections.values()) await connection.close();
  await manager.stop();
  await redis.stop();
  await nats[Symbol.asyncDispose]();
});

/** Notes each subject that NATS denies the user. */
async function follow(user: JwtUser, connection: NatsConnection): Promise<void> {
  for await (const { permissionContext } of connection.status()) {
    if (permissionContext) violations.push(`${user} ${permissionContext.subject}`);
  }
}

function connectionOf(user: JwtUser): NatsConnection {
  const connection = connections.get(user);
  if (connection === undefined) throw new Error(`${user} has no connection`);
  return connection;
}

function as(user: JwtUser): RawRouter {
  return new RawRouter(connectionOf(user), 'r1');
}

const pim = (fields: object = {}) => ({
  protocolId: 103,
  componentId: 1,
  instance: newInstance(),
  ttlMs: 60_000,
  ...fields,
});
const notPermitted = { status: 5, error: 'ERROR_ACCESS_DENIED', reason: 'not-permitted' };

/** Resolves when NATS has reported that it denies the user this subject. */
async function denied(user: JwtUser, subject: string): Promise<void> {
  await connectionOf(user).flush();
  await eventually(() => expect(violations).toContain(`${user} ${subject}`), { withinMs: 5_000 });
}

function listen(user: JwtUser, subject: string): string[] {
  const seen: string[] = [];
  connectionOf(user).subscribe(subject, {
    callback: (error, message) => {
      if (error === null) seen.push(message.subject);
    },
  });
  return seen;
}

describe('in JWT mode, a worker', () => {
  it('receives its own callbacks, and nothing of others', async () => {
    for (const subject of ['>', 'as.>', 'mgm.v1.r1.*', '_R_.>']) {
      listen('dvmrp1', subject);
      await denied('dvmrp1', subject);
    }
    const others = ['_INBOX.>', 'mgm.v1.r1.callback.*'].map((subject) => listen('dvmrp1', subject));
    const own = listen('pim1', 'mgm.v1.r1.callback.*');
    await connectionOf('dvmrp1').flush();
    const session = await as('pim1').register(pim());
    ok(await session.take(7));
    ok(await as('noc').request('admin.release', { ifIndex: 7, ...BY }));
    await eventually(() => expect(own).toEqual([`mgm.v1.r1.callback.${session.session}`]), {
      withinMs: 5_000,
    });
    ok(await session.deregister());
    await connectionOf('dvmrp1').flush();
    expect(others.flat()).toEqual([]);
    const events = await as('noc').eventsAfter(0);
    const callers = new Set(events.map((event) => (event as { caller?: string }).caller));
    expect([...callers].toSorted()).toEqual(['noc', 'pim1']);
  });

  it('cannot forge messages of managers, nor requests of others', async () => {
    const forged = [
      ...['mgm.v1.r1.callback.1', 'mgm.v1.r1.event.taken', 'as.pim1.mgm.v1.r1.take'],
      ...['mgm.v1.r1.admin.evict', 'mgm.v1.r2.take', '$SRV.STATS'],
    ];
    for (const subject of forged) {
      connectionOf('dvmrp1').publish(subject, pack({ seq: 1 }));
      await denied('dvmrp1', subject);
    }
    expect(manager.output()).not.toContain('evicted');
  });

  it('cannot use a stolen handle, take over another identity, or leave its range', async () => {
    const session = await as('pim1').register(pim());
    ok(await session.take(7));
    const stolen = { handle: session.handle, seq: 2, ack: 2, ifIndex: 7 };
    expect(await as('dvmrp1').request('release', stolen)).toMatchObject({ reason: 'bad-handle' });
    for (const way of [{ takeover: true }, { resumes: session.session }]) {
      const reply = await as('dvmrp1').request('register', pim(way));
      expect(reply).toMatchObject(notPermitted);
    }
    expect(await session.take(101)).toMatchObject(notPermitted);
    expect(await as('pim1').owner(7)).toMatchObject({ status: 0, session: session.session });
    ok(await session.deregister({ force: true }));
  });
});

describe('in JWT mode, an operator', () => {
  it('reads the service, and is refused operations of workers', async () => {
    const stats = await connectionOf('noc').request('$SRV.PING.mgm-manager', '', {
      timeout: 5_000,
    });
    expect(JSON.parse(stats.string())).toMatchObject({ metadata: { identity: 'subject' } });
    expect(await as('noc').request('register', pim())).toMatchObject(notPermitted);
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
