import { readdir, rm } from 'node:fs/promises';
import { connect, type SessionItem } from '@mgm/client';
import { eventually, newRouterName } from '@mgm/test-support';
import { connect as connectNats } from '@mgm/nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { emptyFolder, Started, type Ready } from './support/started.ts';

async function sessionsOn(servers: string, router: string): Promise<SessionItem[]> {
  await using mgm = await connect({ servers, router });
  const sessions: SessionItem[] = [];
  for await (const session of mgm.sessions()) sessions.push(session);
  return sessions;
}

/** They start one after the other, as fast as the machine allows. */
async function allWorkersRegister(servers: string, router: string): Promise<void> {
  await eventually(
    async () => {
      const names = (await sessionsOn(servers, router)).map(({ name }) => name);
      expect(names.toSorted()).toEqual(['DVMRP', 'IGMP', 'PIM']);
    },
    { withinMs: 30_000 },
  );
}

/** A line of `--json`: a change of interfaces and sessions, or one of memberships. */
type Change =
  | { readonly rev: number; readonly type: string }
  | { readonly first: number; readonly mrev: number };

/** Until the console is built, if it is not. */
const CONSOLE_WITHIN = { withinMs: 60_000 };

describe('npm start', () => {
  const router = newRouterName();
  let started: Started;
  let ready: Ready;
  beforeAll(async () => {
    started = await Started.with(['--router', router]);
    ready = await started.ready();
  });
  afterAll(() => started[Symbol.asyncDispose]());

  it('serves requests with two managers once it prints ready, and three workers contend', async () => {
    const { nats, managers } = ready;
    expect(managers).toBe(2);
    expect(await replicasOn(nats)).toHaveLength(2);
    await allWorkersRegister(nats, router);
    await started.prints(/^rev=\d+ taken ifIndex=\d+ .*protocol=(PIM|DVMRP)/m);
    await started.prints(/^rev=\d+ igmp-taken ifIndex=\d+ .*protocol=IGMP/m);
    await started.prints(/^rev=\d+ released ifIndex=\d+ .*cause=release/m);
  });

  it('has hosts that join and leave groups, and shows it', async () => {
    await started.prints(/^mrev=\d+ joined .*protocol=IGMP .*cause=member$/m);
    const [left] = await started.prints(/^mrev=\d+ left .*protocol=IGMP .*$/m, 60_000);
    expect(left).toMatch(/ group=(239|232)\.1\.1\.\d .*ifIndex=[126] /);
  });

  it('serves the metrics of each manager at the address that it prints', async () => {
    const [, ...urls] = /^metrics: (\S+) (\S+)$/m.exec(started.errors) ?? [];
    expect(urls).toHaveLength(2);
    for (const url of urls) {
      const response = await fetch(url);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('mgm_');
    }
  });

  it('prints the address of the console, which shows the router', async () => {
    const url = await eventually(() => {
      const [, found] = /^console: (\S+)$/m.exec(started.errors) ?? [];
      if (found === undefined) throw new Error(started.errors);
      return found;
    }, CONSOLE_WITHIN);
    expect(await (await fetch(url)).text()).toContain('MGM console');
    expect(await (await fetch(`${url}/api/about`)).json()).toMatchObject({ router });
  });

  it('runs twice side by side', async () => {
    const name = newRouterName();
    await using second = await Started.with(['--router', name]);
    const { nats } = await second.ready();
    if (inject('servers').source !== 'urls') expect(nats).not.toBe(ready.nats);
    await allWorkersRegister(nats, name);
    expect(await second.endBy('SIGINT')).toBe(0);
    await allWorkersRegister(ready.nats, router);
  });

  it('leaves no files behind, neither in its data folder nor elsewhere', async () => {
    expect(await started.dataFolders()).toHaveLength(1);
    expect(await started.leftElsewhere()).toEqual([]);
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(await started.dataFolders()).toEqual([]);
    expect(await started.leftElsewhere()).toEqual([]);
  });
});

describe('npm start with flags', () => {
  it('shows every change once and in order', async () => {
    await using started = await Started.with(['--router', newRouterName(), '--json']);
    await started.ready();
    await started.prints(/"rev":15,/);
    expect(await started.endBy('SIGTERM')).toBe(0);
    const [, ...lines] = started.output.trim().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Change);
    const events = all.filter((change) => 'rev' in change);
    expect(events.map(({ rev }) => rev)).toEqual(events.map((_, at) => at + 1));
    expect(events.filter(({ type }) => type === 'deregistered')).toHaveLength(3);
    let mrev = 0;
    for (const change of all.filter((one) => 'mrev' in one)) {
      expect(change.first).toBe(mrev + 1);
      ({ mrev } = change);
    }
  });

  it('starts no workers with --no-demo', async () => {
    const router = newRouterName();
    await using started = await Started.with(['--no-demo', '--managers', '1', '--router', router]);
    const { nats, managers } = await started.ready();
    expect(managers).toBe(1);
    expect(await sessionsOn(nats, router)).toEqual([]);
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(started.output.trim().split('\n')).toHaveLength(1);
  });

  it('keeps state in a named folder, and continues with it', async (ctx) => {
    ctx.skip(inject('servers').redis.kind === 'given', 'a Redis given by URL keeps its own data');
    const router = newRouterName();
    const data = await emptyFolder();
    const flags = ['--data', data, '--router', router, '--json'];
    await using first = await Started.with(flags);
    await first.ready();
    await first.prints(/"rev":5,/);
    await using refused = await Started.with(flags);
    expect(await refused.ended()).toBe(1);
    expect(refused.errors).toContain(`in use by process ${first.pid}`);
    expect(await first.endBy('SIGINT')).toBe(0);
    expect((await readdir(data)).toSorted()).toEqual(['logs', 'redis']);
    const last = Number([...first.output.matchAll(/"rev":(\d+),/g)].at(-1)?.[1]);
    await using second = await Started.with(flags);
    await second.prints(new RegExp(`"rev":${last + 1},.*"registered"`));
    expect(await second.endBy('SIGINT')).toBe(0);
    await rm(data, { recursive: true });
  });

  it('uses the given ports', async (ctx) => {
    ctx.skip(inject('servers').source === 'urls', 'servers given by URL have their ports');
    await using any = await Started.with(['--no-demo', '--managers', '1']);
    const { nats, redis } = await any.ready();
    const ports = [nats, redis].map((url) => new URL(url).port);
    const flags = ['--nats-port', ports[0] ?? '', '--redis-port', ports[1] ?? ''];
    await using taken = await Started.with(['--no-demo', ...flags]);
    expect(await taken.ended()).toBe(1);
    expect(taken.errors).toMatch(new RegExp(`port ${ports[1]}|${ports[1]}.*port`));
    expect(await any.endBy('SIGINT')).toBe(0);
    await using free = await Started.with(['--no-demo', '--managers', '1', ...flags]);
    expect(await free.ready()).toMatchObject({ nats, redis });
  });

  it.each([
    [['--manager', '3'], /Unknown option '--manager'.*--help/],
    [['--managers', 'two'], /--managers two: must be 1 to 16/],
  ])('refuses %j and says what to do', async (flags, why) => {
    await using started = await Started.with(flags);
    expect(await started.ended()).toBe(2);
    expect(started.errors).toMatch(why);
    expect(started.output).toBe('');
  });

  it('prints its help', async () => {
    await using started = await Started.with(['--help']);
    expect(await started.ended()).toBe(0);
    expect(started.output).toContain('npm start -- --no-demo');
    expect(await started.dataFolders()).toEqual([]);
  });
});

async function replicasOn(servers: string): Promise<string[]> {
  const nats = await connectNats({ servers });
  try {
    const answers = await nats.requestMany('$SRV.PING.mgm-manager', '', { maxWait: 500 });
    const names: string[] = [];
    for await (const { data } of answers)
      names.push(JSON.parse(new TextDecoder().decode(data)).metadata.replica);
    return names;
  } finally {
    await nats.close();
  }
}
