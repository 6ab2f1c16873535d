import { connect, type NatsConnection } from '@mgm/nats';
import {
  eventually,
  newRouterName,
  startManager,
  startServers,
  type ManagerProcess,
  type TestServers,
} from '@mgm/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RawRouter } from '../support/raw-client.ts';
import { ok } from '../support/raw-replies.ts';
import { BY, notPermitted, pim } from './callers.ts';

let servers: TestServers;
let manager: ManagerProcess;
let nats: NatsConnection;
let router: string;

beforeAll(async () => {
  servers = await startServers();
  manager = await startManager(servers, { MGM_IDENTITY: 'subject' });
  nats = await connect({ servers: servers.nats.url, reconnect: false });
});
beforeEach(() => {
  router = newRouterName();
});
afterAll(async () => {
  await nats.close();
  await manager.stop();
  await servers[Symbol.asyncDispose]();
});

/** Requests as they reach managers after NATS has added the identity. */
function as(identity: string): RawRouter {
  return new RawRouter(nats, router, `as.${identity}.mgm.v1`);
}

describe('without a policy, an identity', () => {
  it('cannot take over or resume a live session of another one, and can take over its own', async () => {
    const session = await as('pim1').register(pim());
    ok(await session.take(7));
    for (const way of [{ takeover: true }, { resumes: session.session }]) {
      const reply = await as('dvmrp1').request('register', pim(way));
      expect(reply).toMatchObject(notPermitted(/another identity/));
    }
    expect(await as('pim1').owner(7)).toMatchObject({ status: 0, session: session.session });
    const own = await as('pim1').register(pim({ takeover: true }));
    expect(own.registered).toMatchObject({ resumed: true, owned: 1 });
  });

  it('cannot inherit a session of another one in its grace time', async () => {
    const lease = { ttlMs: 1_000, graceMs: 600_000 };
    const session = await as('pim1').register(pim(lease));
    ok(await session.take(7));
    const stale = { status: 0, session: session.session, stale: true };
    await eventually(async () => expect(await as('dvmrp1').owner(7)).toMatchObject(stale), {
      withinMs: 30_000,
    });
    const reply = await as('dvmrp1').request('register', pim());
    expect(reply).toMatchObject(notPermitted(/another identity/));
    const own = await as('pim1').register(pim());
    expect(own.registered).toMatchObject({ resumed: true, owned: 1 });
  });

  it('may do everything else, as its permissions in NATS allow', async () => {
    const session = await as('pim1').register(pim());
    ok(await session.take(7));
    ok(await as('noc').request('admin.evict', { session: session.session, ...BY }));
    expect(await as('dvmrp1').register(pim())).toMatchObject({ registered: { resumed: false } });
  });
});
