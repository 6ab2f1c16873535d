import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventMessage, Mfe } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  About,
  AgentList,
  EventPage,
  FoundGroups,
  FoundMembers,
  FoundMfes,
  FoundRoutes,
  History,
  InterfaceSettings,
  Problem,
  SessionList,
} from '../src/api.ts';
import { eventsUntil, type ServerSent } from './event-source.ts';
import {
  buildPages,
  consoleStage,
  PIM,
  IGMP,
  randomPassword,
  USER,
  type ConsoleStage,
} from './stage.ts';

const stage = consoleStage();
beforeAll(buildPages);

async function json<Value>(response: Response): Promise<Value> {
  return (await response.json()) as Value;
}

function post(
  console: ConsoleStage,
  path: string,
  fields: object,
  headers: Record<string, string> = {},
) {
  const own = { Origin: console.console.url, 'Content-Type': 'application/json', ...headers };
  return console.request(path, { method: 'POST', headers: own, body: JSON.stringify(fields) });
}

const isSynced = ({ event }: ServerSent): boolean => event === 'synced';
const revOf = ({ data }: ServerSent): number => (data as EventMessage).rev;

describe('the stream of changes', () => {
  it('begins with all interfaces and a mark with the log and its revision', async () => {
    await using here = await stage.open();
    const session = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    await session.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8, nextHop: '10.0.0.1' }]);
    const events = await eventsUntil(`${here.console.url}/api/${here.router}/stream`, isSynced);
    expect(events.map(({ event }) => event)).toEqual(['reset', 'rows', 'synced']);
    expect(events[1]?.data).toMatchObject([{ ifIndex: 7 }, { ifIndex: 8, nextHop: '10.0.0.1' }]);
    const { head, log } = await here.mgm.events(0);
    expect(events[2]).toMatchObject({ id: `${log}:${head}`, data: { rev: head, log } });
  });

  it('continues after the last id of a browser, without a gap and without a repetition', async () => {
    await using here = await stage.open();
    const url = `${here.console.url}/api/${here.router}/stream`;
    const session = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    const first = await eventsUntil(url, isSynced);
    let lastId = first.at(-1)?.id;
    const revs: number[] = [];
    for (let round = 0; round < 3; round++) {
      // While no browser is connected.
      await session.takeInterfaces(
        Array.from({ length: 50 }, (_, at) => ({ ifIndex: round * 100 + at + 1 })),
      );
      const last = (await here.mgm.events(0, { limit: 1 })).head;
      const events = await eventsUntil(
        url,
        (event) => event.event === 'change' && revOf(event) === last,
        lastId,
      );
      expect(events.every(({ event }) => event === 'change' || event === 'synced')).toBe(true);
      revs.push(...events.filter(({ event }) => event === 'change').map(revOf));
      lastId = events.at(-1)?.id;
    }
    const [begin = 0] = revs;
    expect(revs).toEqual(Array.from({ length: 150 }, (_, at) => begin + at));
    expect(first.at(-1)?.data).toMatchObject({ rev: begin - 1 });
  });

  it('begins again with a snapshot and its reason if the store has another log', async () => {
    await using here = await stage.open();
    await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    const url = `${here.console.url}/api/${here.router}/stream`;
    const events = await eventsUntil(url, isSynced, 'another-log:1');
    expect(events[0]).toMatchObject({ event: 'reset', data: { reason: 'store-reset' } });
  });

  it('refuses an invalid id', async () => {
    await using here = await stage.open();
    const response = await here.request('stream', { headers: { 'Last-Event-ID': 'x' } });
    expect(response.status).toBe(400);
  });

  it('is refused beyond the limit of streams, and has room again when a browser leaves', async () => {
    await using here = await stage.open({ MGM_CONSOLE_STREAMS_MAX: '1' });
    const url = `${here.console.url}/api/${here.router}/stream`;
    const over = new AbortController();
    const held = await fetch(url, { signal: over.signal });
    expect(held.status).toBe(200);
    expect((await fetch(url)).status).toBe(503);
    over.abort();
    await expect
      .poll(
        async () =>
          await eventsUntil(url, isSynced).then(
            () => 'open',
            () => 'full',
          ),
        { timeout: 60_000 },
      )
      .toBe('open');
  });
});

describe('what can be read', () => {
  it('is the user and the routers', async () => {
    await using here = await stage.open();
    await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    const response = await fetch(`${here.console.url}/api/about`);
    expect(await json<About>(response)).toMatchObject({ user: USER, router: here.router });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('is sessions, the log from a revision on, and the history of one interface', async () => {
    await using here = await stage.open();
    const other = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 2 });
    const session = await here.mgm.registerProtocol({
      protocolId: PIM,
      componentId: 1,
      name: 'pim-1',
    });
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    await session.releaseInterfaces([{ ifIndex: 2 }]);
    await other.takeInterfaces([{ ifIndex: 2 }]);
    const list = await json<SessionList>(await here.request('sessions'));
    expect(list.sessions.map(({ name, interfaces }) => [name, interfaces])).toContainEqual([
      'pim-1',
      1,
    ]);
    const page = await json<EventPage>(await here.request('events?from=2&limit=2'));
    expect(page.events.map(({ rev }) => rev)).toEqual([3, 4]);
    const history = await json<History>(await here.request('history?ifIndex=2'));
    expect(history.events.map(({ type }) => type)).toEqual(['taken', 'released', 'taken']);
  });

  it('is groups, searched on the server, and their members', async () => {
    await using here = await stage.open();
    const igmp = await here.mgm.registerProtocol({ protocolId: IGMP, componentId: 1 });
    await igmp.takeInterfaces([{ ifIndex: 1 }]);
    await igmp.addGroupMembershipEntries([
      { group: '239.1.1.1', ifIndex: 1 },
      { group: '239.2.2.2', source: '10.0.0.9', ifIndex: 1 },
    ]);
    const found = await json<FoundGroups>(await here.request('groups?search=239.2'));
    expect(found).toMatchObject({
      items: [{ group: '239.2.2.2', source: '10.0.0.9', clients: 1 }],
      searched: 2,
      hasMore: false,
    });
    const members = await json<FoundMembers>(await here.request('members?group=239.1.1.1&source='));
    expect(members.items).toMatchObject([{ group: '239.1.1.1', ifIndex: 1, session: igmp.id }]);
  });

  it('is forwarding entries and routes, searched on the server, one entry, and agents', async () => {
    await using here = await stage.open();
    const pim = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    await pim.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1 }]);
    await pim.addGroupMembershipEntries([{ group: '239.1.1.1', ifIndex: 2 }]);
    const source = '10.1.2.3';
    await pim.reportFlows([
      { group: '239.1.1.1', source, ifIndex: 1 },
      { group: '239.2.2.2', source, ifIndex: 1 },
    ]);
    const found = await json<FoundMfes>(await here.request('mfes?search=239.1'));
    expect(found).toMatchObject({
      items: [{ group: '239.1.1.1', source, ifIndex: 1, session: pim.id, oifs: [[2, '']] }],
      searched: 2,
      hasMore: false,
    });
    const one = await here.request(`mfe?group=239.2.2.2&source=${source}`);
    expect(await json<Mfe>(one)).toMatchObject({ group: '239.2.2.2', oifCount: 0 });
    const none = await here.request(`mfe?group=239.3.3.3&source=${source}`);
    expect(none.status).toBe(404);
    expect((await json<Problem>(none)).reason).toBe('not-found');
    const routes = await json<FoundRoutes>(await here.request('routes?search=10.0.0.0/8'));
    expect(routes).toMatchObject({
      items: [{ network: '10.0.0.0', length: 8, ifIndex: 1, session: pim.id, best: true }],
      searched: 1,
    });
    pim.reportProgrammed(1);
    await eventually(
      async () => {
        const { agents, frev } = await json<AgentList>(await here.request('agents'));
        expect({ agents, frev }).toEqual({
          agents: [{ session: pim.id, name: '', frev: 1, failed: 0 }],
          frev: 2,
        });
      },
      { withinMs: 30_000 },
    );
  });

  it.each([
    'mfe?group=239.1.1.1',
    'events',
    'events?from=-1',
    'events?from=0&limit=1001',
    'history',
    'history?ifIndex=x',
    'settings',
  ])('is refused with a reason for a wrong parameter: %s', async (path) => {
    await using here = await stage.open();
    const response = await here.request(path);
    expect(response.status).toBe(400);
    expect((await json<Problem>(response)).reason).toBe('bad-request');
  });

  it('has a security policy that allows nothing but the files of the console', async () => {
    await using here = await stage.open();
    const { headers, status } = await fetch(here.console.url);
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
  });
});

describe('actions', () => {
  it('release what is held under the epoch, and evict a session; the user is the actor', async () => {
    await using here = await stage.open();
    const session = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const target = { ifIndex: 7, nextHop: '', epoch: ownership.epoch };
    const late = await post(here, 'release', { ...target, epoch: '1', why: 'too late' });
    expect(late.status).toBe(409);
    const done = await post(here, 'release', { ...target, why: 'moved' });
    expect(done.status).toBe(200);
    const evicted = await post(here, 'evict', { session: session.id, why: 'hangs' });
    expect(await evicted.json()).toEqual({ released: 0 });
    const { events } = await here.mgm.adminEvents(0);
    expect(events.map(({ type, actor, why }) => [type, actor, why])).toEqual([
      ['refused', USER, 'too late'],
      ['released', USER, 'moved'],
      ['evicted', USER, 'hangs'],
    ]);
  });

  it('limit an interface, and configure and remove a static membership', async () => {
    await using here = await stage.open();
    const pim = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await pim.addGroupMembershipEntry({ ifIndex: 7, group: '239.1.1.1' });
    const on = { ifIndex: 7, nextHop: '' };
    const limits = { maxGroups: 2, maxEntries: 0, lite: true };
    expect((await post(here, 'limits', { ...on, ...limits, why: 'one flat' })).status).toBe(200);
    const entry = { ...on, group: '239.2.2.2', source: '' };
    expect((await post(here, 'static/add', { ...entry, why: 'camera' })).status).toBe(200);
    const over = { ...entry, group: '239.3.3.3', why: 'one too many' };
    expect((await post(here, 'static/add', over)).status).toBe(409);
    const read = async () =>
      await json<InterfaceSettings>(await here.request('settings?ifIndex=7'));
    expect(await read()).toMatchObject({
      ...{ ...limits, groups: 2, memberships: 2, hasMore: false },
      static: [{ ...entry, session: 0, countsFor: pim.id }],
    });
    expect((await post(here, 'static/delete', { ...entry, why: 'gone' })).status).toBe(200);
    expect((await post(here, 'static/delete', { ...entry, why: 'gone' })).status).toBe(404);
    expect(await read()).toMatchObject({ groups: 1, memberships: 1, static: [] });
    const { events } = await here.mgm.adminEvents(0);
    expect(events.map(({ type, actor, why }) => [type, actor, why])).toEqual([
      ['interface-set', USER, 'one flat'],
      ['joined', USER, 'camera'],
      ['refused', USER, 'one too many'],
      ['left', USER, 'gone'],
      ['refused', USER, 'gone'],
    ]);
  });

  it.each(['forward', 'advise'] as const)(
    'show what the memberships of IGMP count for next to an owner: %s',
    async (localMembers) => {
      await using here = await stage.open();
      const pim = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
      const igmp = await here.mgm.registerProtocol({ protocolId: IGMP, componentId: 1 });
      await pim.takeInterfaceOwnership({ ifIndex: 7 }, { localMembers });
      await igmp.takeInterfaceOwnership({ ifIndex: 7 });
      const settings = async () =>
        await json<InterfaceSettings>(await here.request('settings?ifIndex=7&nextHop='));
      expect(await settings()).not.toHaveProperty('localMembers');
      await igmp.addGroupMembershipEntry({ ifIndex: 7, group: '239.1.1.1' });
      expect(await settings()).toMatchObject({ localMembers, memberships: 1 });
    },
  );

  it.each([{ Origin: 'http://evil.example' }, { Origin: 'null' }, { Origin: '' }])(
    'are refused from pages of other origins: %j',
    async (headers) => {
      await using here = await stage.open();
      const session = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
      const response = await post(here, 'evict', { session: session.id, why: 'x' }, headers);
      expect(response.status).toBe(403);
      expect((await json<SessionList>(await here.request('sessions'))).sessions).toHaveLength(1);
    },
  );

  it('are accepted from the configured origin behind a proxy, and from no other', async () => {
    await using here = await stage.open({ MGM_CONSOLE_ORIGIN: 'https://mgm.example.org' });
    const none = { session: 1, why: 'x' };
    expect((await post(here, 'evict', none)).status).toBe(403);
    const own = await post(here, 'evict', none, { Origin: 'https://mgm.example.org' });
    expect((await json<Problem>(own)).reason).toBe('not-found');
  });

  it.each([{}, { ifIndex: 1 }, { ifIndex: '1', nextHop: '', epoch: '1', why: 'x' }, []])(
    'are refused with a wrong body: %j',
    async (body) => {
      await using here = await stage.open();
      expect((await post(here, 'release', body)).status).toBe(400);
    },
  );

  it('are refused with a body that is too large', async () => {
    await using here = await stage.open();
    expect((await post(here, 'release', { why: 'x'.repeat(5_000) })).status).toBe(413);
  });
});

describe('access', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'mgm-console-'))));
  afterAll(async () => await rm(folder, { recursive: true }));

  it('without authentication is refused under a name that is not of this machine', async () => {
    await using here = await stage.open();
    const url = `${here.console.url}/api/about`;
    // fetch does not let a test set the Host header.
    const { request } = await import('node:http');
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    request(url, { headers: { Host: 'rebound.example' } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).end();
    expect(await promise).toBe(403);
    expect((await fetch(url)).status).toBe(200);
  });

  it('by password admits known users only, who are the actors', async () => {
    const password = randomPassword();
    const file = join(folder, 'passwords');
    await writeFile(file, `ann:${createHash('sha256').update(password).digest('hex')}\n`);
    await using here = await stage.open({ MGM_CONSOLE_PASSWORD_FILE: file });
    const basic = (text: string) => ({
      Authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    });
    for (const headers of [
      {},
      basic('ann:wrong'),
      basic(`bob:${password}`),
      basic('ann'),
      { Authorization: 'Basic %' },
    ]) {
      const response = await fetch(`${here.console.url}/api/about`, { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('Basic');
      expect((await fetch(here.console.url, { headers })).status).toBe(401);
    }
    const session = await here.mgm.registerProtocol({ protocolId: PIM, componentId: 1 });
    const fields = { session: session.id, why: 'hangs' };
    expect((await post(here, 'evict', fields)).status).toBe(401);
    expect((await post(here, 'evict', fields, basic(`ann:${password}`))).status).toBe(200);
    expect((await here.mgm.adminEvents(0)).events).toMatchObject([{ actor: 'ann' }]);
  });

  it('by a proxy trusts the header of its addresses only', async () => {
    const header = { MGM_CONSOLE_USER_HEADER: 'X-Forwarded-User' };
    const headers = { 'X-Forwarded-User': 'carol' };
    await using trusted = await stage.open({ ...header, MGM_CONSOLE_PROXIES: '127.0.0.0/8' });
    const about = await fetch(`${trusted.console.url}/api/about`, { headers });
    expect(await json<About>(about)).toMatchObject({ user: 'carol' });
    expect((await fetch(`${trusted.console.url}/api/about`)).status).toBe(403);
    await using other = await stage.open({ ...header, MGM_CONSOLE_PROXIES: '192.0.2.1' });
    expect((await fetch(`${other.console.url}/api/about`, { headers })).status).toBe(403);
  });
});

describe('the program', () => {
  it('refuses to listen elsewhere than on loopback without authentication', async () => {
    await using program = stage.start([], { MGM_CONSOLE_HOST: '0.0.0.0', MGM_CONSOLE_PORT: '0' });
    const { code, stdout, stderr } = await program.ended();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('MGM_CONSOLE_HOST=0.0.0.0: must be a loopback address');
  });

  it('prints its address, serves its pages there, and ends with 0 on SIGTERM', async () => {
    await using program = stage.start([], { MGM_CONSOLE_PORT: '0' });
    const [, url = ''] = await program.prints(/^ready console=(\S+)$/m);
    expect(await (await fetch(url)).text()).toContain('MGM console');
    program.child.kill('SIGTERM');
    expect((await program.ended()).code).toBe(0);
  });

  it('explains itself', async () => {
    await using help = stage.start(['--help']);
    expect((await help.ended()).stdout).toContain('MGM_CONSOLE_PASSWORD_FILE');
    await using version = stage.start(['--version']);
    expect((await version.ended()).stdout).toMatch(/^mgm-console \d+\.\d+\.\d+\n$/);
    await using wrong = stage.start(['--wrong']);
    expect((await wrong.ended()).code).toBe(2);
  });
});
