import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startNats, startTcpProxy } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it, type TestContext } from 'vitest';
import { connect, type ConnectOptions } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { refused, scriptedManager } from './scripted-manager.ts';

let nats: RunningServer;

beforeAll(async () => {
  nats = await startNats(inject('servers'));
});
afterAll(async () => await nats.stop());

it('logs in with the user and password of a URL, also one that looks like a port', async () => {
  const choice = inject('servers');
  await using guarded = await startNats(choice, { args: ['--user', 'mgm', '--pass', '657227b3'] });
  const router = 'r1';
  const refusedLogin = connect({ servers: guarded.url, router });
  await expect(refusedLogin).rejects.toMatchObject({ reason: 'not-permitted' });
  const servers = `nats://mgm:657227b3@${guarded.host}:${guarded.port}`;
  await using mgm = await connect({ servers, router, deadlineMs: 500 });
  expect(await errorOf(mgm.getProtocolOnInterface({ ifIndex: 1 }))).toMatchObject({
    message: expect.stringContaining('no manager'),
  });
});

let lastRouter = 0;

/** A client with a prefix of its own, so that tests do not affect each other. */
async function newClient(options: Partial<ConnectOptions> = {}) {
  const prefix = `test${++lastRouter}.v1`;
  const mgm = await connect({
    servers: nats.url,
    router: 'r1',
    prefix,
    timeoutMs: 100,
    deadlineMs: 1_000,
    ...options,
  });
  return { mgm, prefix };
}

const HOLDER = {
  protocolId: 1,
  componentId: 2,
  session: 3,
  name: '',
  epoch: '4',
  since: 5,
  stale: false,
};

describe('a call without a manager', () => {
  it('fails as unavailable, not done, at its deadline', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 300 });
    await using _ = mgm;
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }));
    expect(error).toMatchObject({
      code: 'MGM_UNAVAILABLE',
      status: 1003,
      outcome: 'not-done',
      retryable: true,
      message: `no manager is running on ${prefix}.r1`,
    });
  });

  it('is answered by one that starts meanwhile', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 5_000 });
    await using _ = mgm;
    const call = mgm.getProtocolOnInterface({ ifIndex: 7 });
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('owner', () => HOLDER);
    await expect(call).resolves.toMatchObject({ protocolId: 1 });
  });
});

describe('a call without a reply', () => {
  it('is repeated byte for byte', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('register', () => undefined);
    const error = await errorOf(mgm.registerProtocol({ protocolId: 1, componentId: 1 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown', retryable: true });
    const copies = manager.of('register').map(({ bytes }) => Buffer.from(bytes).toString('hex'));
    expect(copies.length).toBeGreaterThan(3);
    expect(new Set(copies).size).toBe(1);
  });

  it('has an unknown outcome only if it may have changed something', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 250 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('owner', () => undefined);
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'not-done' });
    expect(error.message).toContain('within 250 ms');
  });

  it('accepts a reply to an earlier attempt', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    let answerFirst: ((reply: object) => void) | undefined;
    manager.script('owner', (_received, answer) => {
      if (!answerFirst) answerFirst = answer;
      else answerFirst(HOLDER);
    });
    await expect(mgm.getProtocolOnInterface({ ifIndex: 7 })).resolves.toMatchObject(HOLDER);
    expect(manager.of('owner')).toHaveLength(2);
  });

  it('is not repeated if it is not idempotent', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 400 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('admin.release', () => undefined);
    const release = mgm.adminRelease({ ifIndex: 7, actor: 'ops', why: 'test' });
    expect(await errorOf(release)).toMatchObject({
      code: 'MGM_INDETERMINATE',
      outcome: 'unknown',
      retryable: false,
      message: expect.stringContaining('read the state first'),
    });
    expect(manager.of('admin.release')).toHaveLength(1);
  });

  it.each([
    ['admin.release', 'not-owner'],
    ['admin.evict', 'not-found'],
  ] as const)(
    'is repeated although it is %s, which has one effect at most; a refusal leaves it unknown',
    async (operation, reason) => {
      const { mgm, prefix } = await newClient();
      await using _ = mgm;
      await using manager = await scriptedManager(nats.url, prefix);
      const admin = { actor: 'ops', why: 'test' };
      const act = () =>
        operation === 'admin.evict'
          ? mgm.adminEvict({ session: 5, ...admin })
          : mgm.adminRelease({ ifIndex: 7, epoch: '9', ...admin });
      manager.script(operation, () => refused(87, reason));
      expect(await errorOf(act())).toMatchObject({ reason, outcome: 'not-done' });
      const before = manager.of(operation).length;
      manager.script(operation, () =>
        manager.of(operation).length === before + 1 ? undefined : refused(87, reason),
      );
      expect(await errorOf(act())).toMatchObject({
        reason,
        outcome: 'unknown',
        message: expect.stringContaining('an earlier attempt had no reply'),
      });
      expect(manager.of(operation)).toHaveLength(before + 2);
    },
  );
});

describe('a reply that nothing was executed', () => {
  it.each(['unavailable', 'overloaded'])('%s: the call is repeated', async (reason) => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('owner', () => {
      const isFirst = manager.of('owner').length === 1;
      return isFirst ? refused(1003, reason, { retryable: true }) : HOLDER;
    });
    await expect(mgm.getProtocolOnInterface({ ifIndex: 7 })).resolves.toMatchObject(HOLDER);
  });

  it('says how long to wait, and the client does', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    const arrivals: number[] = [];
    manager.script('owner', () => {
      arrivals.push(performance.now());
      const late = arrivals.length > 1;
      return late ? HOLDER : refused(1003, 'overloaded', { retryable: true, retryAfterMs: 300 });
    });
    await mgm.getProtocolOnInterface({ ifIndex: 7 });
    expect((arrivals[1] ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThanOrEqual(299);
  });

  it('becomes the error if every attempt gets it', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 2_000 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('admin.release', () => {
      // The deadline must fall between two attempts: the outcome of an unanswered one would be unknown.
      const again = manager.of('admin.release').length > 1 && { retryAfterMs: 60_000 };
      return refused(1003, 'unavailable', { retryable: true, ...again });
    });
    const error = await errorOf(mgm.adminRelease({ ifIndex: 7, actor: 'ops', why: 'test' }));
    expect(error).toMatchObject({ code: 'MGM_UNAVAILABLE', outcome: 'not-done' });
    expect(manager.of('admin.release')).toHaveLength(2);
  });

  it('says nothing about an earlier attempt that was never answered', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 400 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('register', () => {
      const isFirst = manager.of('register').length === 1;
      return isFirst ? undefined : refused(1003, 'unavailable', { retryable: true });
    });
    const error = await errorOf(mgm.registerProtocol({ protocolId: 1, componentId: 1 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
  });
});

describe('an indeterminate reply', () => {
  it('is resolved by repeating an idempotent request', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    await using session = await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
    manager.script('take', ({ fields }) => {
      const isFirst = manager.of('take').length === 1;
      return isFirst ? refused(1003, 'indeterminate') : { epoch: `9${String(fields['seq'])}` };
    });
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(ownership.epoch).toBe('91');
    expect(manager.of('take').map(({ fields }) => fields['seq'])).toEqual([1, 1]);
  });

  it('stays unknown if every attempt gets it', async () => {
    const { mgm, prefix } = await newClient({ deadlineMs: 400 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('register', () => refused(1003, 'indeterminate'));
    const error = await errorOf(mgm.registerProtocol({ protocolId: 1, componentId: 1 }));
    expect(error).toMatchObject({ code: 'MGM_INDETERMINATE', outcome: 'unknown', retryable: true });
    expect(manager.of('register').length).toBeGreaterThan(1);
    manager.script('register', (received, answer) => {
      const [first] = manager.of('register');
      expect(received.fields['instance']).toBe(first?.fields['instance']);
      answer({ handle: 'h', session: 1, ttlMs: 10_000, graceMs: 0, mailbox: 0, resumed: false });
    });
    await mgm.registerProtocol({ protocolId: 1, componentId: 1 });
  });

  it('becomes the error if the request is not idempotent', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('admin.release', () => refused(1003, 'indeterminate'));
    const error = await errorOf(mgm.adminRelease({ ifIndex: 7, actor: 'ops', why: 'test' }));
    expect(error).toMatchObject({ code: 'MGM_INDETERMINATE', outcome: 'unknown' });
  });
});

describe('an invalid reply', () => {
  it.each(['events', 'member.events', 'admin.events'] as const)(
    'with an event that the contract does not have: %s rejects with bad-reply',
    async (operation) => {
      const { mgm, prefix } = await newClient();
      await using _ = mgm;
      await using manager = await scriptedManager(nats.url, prefix);
      const forged = { rev: 1, number: 1, first: 1, mrev: 1, ts: 1, type: 'taken\u001b[2J' };
      const page = { head: 1, first: 1, log: 'log-1' };
      const read = {
        events: () => mgm.events(0),
        'member.events': () => mgm.memberEvents(0),
        'admin.events': () => mgm.adminEvents(0),
      };
      manager.script(operation, () => ({ ...page, events: [] }));
      await expect(read[operation]()).resolves.toMatchObject({ events: [] });
      manager.script(operation, () => ({ ...page, events: [forged] }));
      expect(await errorOf(read[operation]())).toMatchObject({
        code: 'MGM_BAD_REPLY',
        message: expect.stringContaining('`events`'),
      });
    },
  );

  it.each([
    ['not MessagePack', new Uint8Array([0xc1])],
    ['nothing', new Uint8Array()],
  ])('%s: bad-reply', async (_what, bytes) => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    const { connect: connectNats } = await import('@mgm/nats');
    const connection = await connectNats({ servers: nats.url });
    connection.subscribe(`${prefix}.r1.owner`, { callback: (_e, m) => void m.respond(bytes) });
    await connection.flush();
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }));
    expect(error).toMatchObject({ code: 'MGM_BAD_REPLY' });
    await connection.close();
  });

  it('without a required field: bad-reply', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('register', () => ({ handle: 'x', session: 1, mailbox: 0 }));
    const error = await errorOf(mgm.registerProtocol({ protocolId: 1, componentId: 1 }));
    expect(error).toMatchObject({ code: 'MGM_BAD_REPLY', outcome: 'unknown' });
    expect(error.message).toContain('`ttlMs`');
  });
});

describe('aborting', () => {
  it('ends the call immediately', async () => {
    const { mgm, prefix } = await newClient({ timeoutMs: 5_000, deadlineMs: 10_000 });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    const controller = new AbortController();
    manager.script('owner', () => controller.abort());
    const { signal } = controller;
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }, { signal }));
    expect(error).toMatchObject({ code: 'MGM_ABORTED', outcome: 'not-done' });
  });

  it('before the call sends nothing', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    const signal = AbortSignal.abort();
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }, { signal }));
    expect(error).toMatchObject({ code: 'MGM_ABORTED', outcome: 'not-done' });
    expect(manager.received).toEqual([]);
  });

  it('happens when the client is closed', async () => {
    const { mgm, prefix } = await newClient({ timeoutMs: 5_000, deadlineMs: 10_000 });
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('owner', () => undefined);
    const call = errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }));
    await mgm.close();
    expect(await call).toMatchObject({ code: 'MGM_CLOSED' });
    expect(await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }))).toMatchObject({
      code: 'MGM_CLOSED',
    });
  });
});

describe('wrong arguments', () => {
  it('are refused by the rule of SSM before anything is sent', async () => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    const by = { actor: 'ops', why: 'test' };
    const error = await errorOf(mgm.adminAddMembership({ ifIndex: 7, group: '232.0.0.1', ...by }));
    expect(error).toMatchObject({ code: 'MGM_SSM_NEEDS_SOURCE', status: 87, outcome: 'not-done' });
    expect(manager.received).toEqual([]);
  });

  it.each([
    ['ifIndex', { ifIndex: 0 }],
    ['ifIndex', { ifIndex: 1.5 }],
    ['nextHop', { ifIndex: 1, nextHop: 'ten' }],
    ['nextHop', { ifIndex: 1, nextHop: -1 }],
  ])('are refused by name before anything is sent: %s', async (field, ref) => {
    const { mgm, prefix } = await newClient();
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    const error = await errorOf(mgm.getProtocolOnInterface(ref));
    expect(error).toMatchObject({ code: 'MGM_BAD_REQUEST', status: 87, field });
    expect(error.outcome).toBe('not-done');
    expect(manager.received).toEqual([]);
  });

  it.each([
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['deadlineMs', { deadlineMs: 0 }],
  ])('%s: an invalid limit is refused', async (field, limits) => {
    const { mgm } = await newClient();
    await using _ = mgm;
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 1 }, limits));
    expect(error).toMatchObject({ code: 'MGM_BAD_REQUEST', field });
  });

  it('of `connect` are refused, too', async () => {
    const wrong: [string, Partial<ConnectOptions>][] = [
      ['router', { router: 'a.b' }],
      ['prefix', { prefix: 'a.*' }],
      ['timeoutMs', { timeoutMs: 0 }],
      ['deadlineMs', { deadlineMs: Number.NaN }],
    ];
    for (const [field, options] of wrong) {
      const connecting = connect({ servers: nats.url, router: 'r1', ...options });
      expect(await errorOf(connecting)).toMatchObject({ code: 'MGM_BAD_REQUEST', field });
    }
  });
});

describe('while NATS is away', () => {
  it('nothing is sent, and calls are sent when it is restored', async () => {
    await using proxy = await startTcpProxy({ port: nats.port });
    const { mgm, prefix } = await newClient({
      servers: `nats://${proxy.host}:${proxy.port}`,
      deadlineMs: 10_000,
    });
    await using _ = mgm;
    await using manager = await scriptedManager(nats.url, prefix);
    manager.script('owner', () => HOLDER);
    const down = new Promise((resolve) => mgm.on('down', resolve));
    await proxy.refuse();
    await down;
    expect(mgm.isConnected).toBe(false);
    const call = mgm.getProtocolOnInterface({ ifIndex: 7 });
    const early = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 7 }, { deadlineMs: 200 }));
    expect(early).toMatchObject({
      code: 'MGM_UNAVAILABLE',
      outcome: 'not-done',
      message: 'NATS is not connected',
    });
    await proxy.heal();
    await expect(call).resolves.toMatchObject(HOLDER);
    expect(manager.of('owner')).toHaveLength(1);
    expect(mgm.isConnected).toBe(true);
  });

  it('connecting waits for it up to the deadline', async () => {
    await using proxy = await startTcpProxy({ port: nats.port });
    await proxy.refuse();
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const early = connect({ servers, router: 'r1', deadlineMs: 300 });
    expect(await errorOf(early)).toMatchObject({ code: 'MGM_UNAVAILABLE', outcome: 'not-done' });
    const patient = connect({ servers, router: 'r1' });
    await proxy.heal();
    await (await patient).close();
  });

  it('connecting can be aborted', async () => {
    await using proxy = await startTcpProxy({ port: nats.port });
    proxy.blackhole();
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const connecting = connect({ servers, router: 'r1', signal: AbortSignal.timeout(100) });
    expect(await errorOf(connecting)).toMatchObject({ code: 'MGM_ABORTED' });
  });
});

describe('a connection of the caller', () => {
  it('is used and left open', async () => {
    const { connect: connectNats } = await import('@mgm/nats');
    const connection = await connectNats({ servers: nats.url });
    const mgm = await connect({ connection, router: 'r1' });
    await mgm.close();
    expect(connection.isClosed()).toBe(false);
    await connection.close();
  });

  it('ends the client when it is closed', async () => {
    const { connect: connectNats } = await import('@mgm/nats');
    const connection = await connectNats({ servers: nats.url });
    const mgm = await connect({ connection, router: 'r1' });
    const closed = new Promise((resolve) => mgm.on('closed', resolve));
    await connection.close();
    await closed;
    await eventually(
      async () => {
        const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 1 }));
        expect(error.code).toBe('MGM_CLOSED');
      },
      { withinMs: 30_000 },
    );
  });
});

describe('an operation that NATS does not permit', () => {
  /** A server that knows one user, who may not ask everything. */
  async function restrictedNats(ctx: TestContext): Promise<RunningServer> {
    const { source } = inject('servers');
    ctx.skip(
      source !== 'process',
      'needs a server that reads a configuration file of this machine',
    );
    const folder = await mkdtemp(join(tmpdir(), 'mgm-client-'));
    ctx.onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'nats.conf');
    const permissions = '{ publish: { deny: "*.*.*.owner" } }';
    const user = `{ user: pim, password: secret, permissions: ${permissions} }`;
    await writeFile(file, `authorization { users: [ ${user} ] }\n`);
    return await startNats(inject('servers'), { args: ['-c', file] });
  }

  it('a login: rejects immediately', async (ctx) => {
    await using server = await restrictedNats(ctx);
    const connecting = connect({ servers: server.url, router: 'r1', user: 'pim', pass: 'wrong' });
    expect(await errorOf(connecting)).toMatchObject({
      code: 'MGM_NOT_PERMITTED',
      outcome: 'not-done',
      retryable: false,
    });
  });

  it('a subject: rejects immediately and names it', async (ctx) => {
    await using server = await restrictedNats(ctx);
    const { mgm, prefix } = await newClient({ servers: server.url, user: 'pim', pass: 'secret' });
    await using _ = mgm;
    const error = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 1 }, { deadlineMs: 60_000 }));
    expect(error).toMatchObject({ code: 'MGM_NOT_PERMITTED', outcome: 'not-done' });
    expect(error.message).toContain(`${prefix}.r1.owner`);
  });
});
