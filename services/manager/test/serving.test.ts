import { decodeMessage, encodeMessage, OPERATIONS } from '@mgm/protocol';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manage, Worker, type LogLine, type RawReply } from './in-process.ts';

const PUSHED_WITHIN_MS = 30_000;
const STORE: unknown = expect.stringMatching(/^(redis|valkey) \d+\.\d+\.\d+$/);
const IGMP = { protocolId: 10, componentId: 1 };

let servers: TestServers;
let worker: Worker;
let lines: LogLine[];
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  servers = opened.use(await startServers());
  const managed = await manage(servers, { MGM_NAME: 'one' });
  opened.use(managed.manager);
  ({ lines } = managed);
  worker = opened.use(await Worker.connect(servers));
});
afterAll(() => opened.disposeAsync());

interface Heard {
  readonly subject: string;
  readonly message: { readonly [field: string]: unknown };
  readonly atMono: number;
}

/** Everything published on these subjects of the router from now on. */
async function listen(router: Worker, tail: string): Promise<Heard[]> {
  const heard: Heard[] = [];
  router.nats.subscribe(router.subject(tail), {
    callback: (_, { subject: on, data }) => {
      const decoded = decodeMessage(data);
      if (decoded.kind === 'malformed') throw new Error(decoded.fault);
      heard.push({ subject: on, message: decoded.value, atMono: performance.now() });
    },
  });
  await router.nats.flush();
  return heard;
}

describe('a manager is a NATS service', () => {
  it('that answers $SRV.PING and $SRV.INFO with its operations in the queue group', async () => {
    const found = [];
    for await (const info of await worker.nats.services.client().info('mgm-manager'))
      found.push(info);
    expect(found).toMatchObject([
      { name: 'mgm-manager', version: '0.0.0', metadata: { replica: 'one', durability: 'memory' } },
    ]);
    expect(found[0]?.metadata).toMatchObject({ store: STORE });
    const endpoints = found[0]?.endpoints ?? [];
    expect(endpoints.map(({ subject }) => subject)).toEqual(
      OPERATIONS.map((op) => `mgm.v1.*.${op}`),
    );
    expect(new Set(endpoints.map(({ queue_group: group }) => group))).toEqual(
      new Set(['mgm-manager']),
    );
    const pings = [];
    for await (const ping of await worker.nats.services.client().ping('mgm-manager'))
      pings.push(ping);
    expect(pings).toHaveLength(1);
  });

  it('that counts requests in $SRV.STATS', async () => {
    const countOf = async (name: string): Promise<number> => {
      for await (const { endpoints } of await worker.nats.services.client().stats('mgm-manager')) {
        return endpoints?.find((endpoint) => endpoint.name === name)?.num_requests ?? 0;
      }
      return -1;
    };
    const before = await countOf('validate');
    await worker.ask('validate', { ifIndex: 7, epoch: '1' });
    await worker.ask('validate', {});
    expect(await countOf('validate')).toBe(before + 2);
  });

  it('that reports in $SRV.STATS its statistics, and that its store decides', async () => {
    const dataOf = async (): Promise<Record<string, unknown>[]> => {
      for await (const { endpoints = [] } of await worker.nats.services
        .client()
        .stats('mgm-manager')) {
        return endpoints.map(({ data }) => data as Record<string, unknown>);
      }
      return [];
    };
    await worker.ask('owner', { ifIndex: 7 });
    const askedAt = Date.now();
    const data = await dataOf();
    expect(data).toHaveLength(OPERATIONS.length);
    const owner = data[OPERATIONS.indexOf('owner')];
    expect(owner).toMatchObject({ answered: expect.any(Number), failed: 0 });
    expect(owner?.['meanMs']).toBeGreaterThan(0);
    const states = data.flatMap((one) => ('replica' in one ? [one['replica']] : []));
    expect(states).toEqual([
      {
        store: STORE,
        storeId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        trouble: [],
        storeClockMs: expect.any(Number),
      },
    ]);
    const [{ storeClockMs }] = states as [{ storeClockMs: number }];
    expect(Math.abs(storeClockMs - askedAt)).toBeLessThan(60_000);
  });
});

describe('a request', () => {
  it('with a deadline that has passed is not executed', async () => {
    const { handle, rev } = await worker.register({ componentId: 20 });
    const late = { handle, seq: 1, ack: 1, ifIndex: 20, deadlineMs: 0 };
    expect(await worker.ask('take', late)).toMatchObject({
      status: 1003,
      reason: 'unavailable',
      retryable: true,
      message: expect.stringContaining('deadline passed before it was executed'),
      rev,
    });
    expect(await worker.ask('owner', { ifIndex: 20 })).toMatchObject({ status: 1168 });
    expect(await worker.ask('take', { ...late, deadlineMs: 60_000 })).toMatchObject({ status: 0 });
  });

  it('without a reply subject is executed', async () => {
    const { handle } = await worker.register({ componentId: 21 });
    const fields = { handle, seq: 1, ack: 1, ifIndex: 21 };
    worker.nats.publish(worker.subject('take'), encodeMessage(fields));
    const owned = () => worker.ask('owner', { ifIndex: 21 });
    await eventually(async () => expect(await owned()).toMatchObject({ componentId: 21 }), {
      withinMs: PUSHED_WITHIN_MS,
    });
  });

  it('to a router that is not served is refused', async () => {
    await using one = await Worker.connect(servers, 'only-this');
    await using two = await Worker.connect(servers, 'not-this');
    const env = { MGM_ROUTERS: 'only-this', MGM_PREFIX: 'mgm.listed' };
    const { manager } = await manage(servers, env);
    await using _ = manager;
    const ask = async ({ nats, router }: Worker): Promise<RawReply> => {
      const bytes = encodeMessage({ ifIndex: 7 });
      const { data } = await nats.request(`mgm.listed.${router}.owner`, bytes);
      const decoded = decodeMessage(data);
      if (decoded.kind === 'malformed') throw new Error(decoded.fault);
      return decoded.value as RawReply;
    };
    expect(await ask(one)).toMatchObject({ status: 1168 });
    expect(await ask(two)).toMatchObject({
      status: 87,
      reason: 'bad-request',
      field: 'router',
      rev: 0,
    });
  });

  it('whose page exceeds max_payload gets a shorter one, and reading on misses nothing', async () => {
    await using admin = await Worker.connect(servers);
    const { handle } = await admin.register();
    const words = { actor: '€'.repeat(256), why: '€'.repeat(256) };
    const interfaces = Array.from({ length: 700 }, (_, at) => [at + 1]);
    await admin.ask('take', { handle, seq: 1, ack: 1, interfaces });
    for (let at = 0; at < interfaces.length; at += 50) {
      const some = interfaces.slice(at, at + 50);
      const forced = some.map(([ifIndex]) => admin.ask('admin.release', { ifIndex, ...words }));
      for (const reply of await Promise.all(forced)) expect(reply).toMatchObject({ status: 0 });
    }
    let from = 701;
    let pages = 0;
    for (let head = Infinity; from < head; pages++) {
      const page = await admin.ask('events', { from, limit: 1000 });
      expect(page).toMatchObject({ status: 0, head: 1401 });
      head = Number(page['head']);
      const events = page['events'] as { rev: number }[];
      expect(events[0]?.rev).toBe(from + 1);
      from = events.at(-1)?.rev ?? Infinity;
    }
    expect(pages).toBe(2);
  });
});

describe('a change is published', () => {
  it('as events, as callbacks and in the log', async () => {
    await using router = await Worker.connect(servers);
    const events = await listen(router, 'event.*');
    const callbacks = await listen(router, 'callback.*');
    const pim = await router.register();
    const igmp = await router.register(IGMP);
    await router.ask('take', { handle: igmp.handle, seq: 1, ack: 1, ifIndex: 7 });
    const { epoch } = await router.ask('take', { handle: pim.handle, seq: 1, ack: 1, ifIndex: 7 });
    const published = (heard: readonly Heard[]): unknown[] =>
      heard.map(({ subject, message }) => [subject, message['type']]);
    await eventually(
      () => {
        expect(published(events)).toEqual([
          [router.subject('event.registered'), 'registered'],
          [router.subject('event.registered'), 'registered'],
          [router.subject('event.igmp-taken'), 'igmp-taken'],
          [router.subject('event.taken'), 'taken'],
        ]);
        expect(published(callbacks)).toEqual([
          [router.subject(`callback.${String(igmp['session'])}`), 'DISABLE_IGMP'],
          [router.subject(`callback.${String(igmp['session'])}`), 'ENABLE_IGMP'],
        ]);
      },
      { withinMs: PUSHED_WITHIN_MS },
    );
    const logged = await router.ask('events', { from: 0 });
    expect(events.map(({ message }) => message)).toEqual(logged['events']);
    const kept = await router.ask('mailbox', { handle: igmp.handle, from: 0 });
    expect(callbacks.map(({ message }) => message)).toEqual(kept['messages']);
    expect(lines.filter((line) => line['router'] === router.router)).toMatchObject([
      { level: 'info', msg: 'session changed', to: 'registered', session: pim['session'] },
      { level: 'info', msg: 'session changed', to: 'registered', session: igmp['session'] },
      { level: 'info', msg: 'igmp changed', ifIndex: 7, to: igmp['session'], cause: 'take' },
      { level: 'info', msg: 'owner changed', ifIndex: 7, to: pim['session'], epoch, cause: 'take' },
    ]);
    const text = JSON.stringify(lines);
    for (const { handle } of [pim, igmp]) expect(text).not.toContain(String(handle));
  });

  it('in one line of log if a session takes several interfaces in one request', async () => {
    await using router = await Worker.connect(servers);
    const { handle, session } = await router.register();
    const interfaces = [[7], [8, '10.0.0.1'], [9]];
    const { rev } = await router.ask('take', { handle, seq: 1, ack: 1, interfaces });
    const isOfTake = (line: LogLine): boolean =>
      line['router'] === router.router && line.msg === 'owner changed';
    await eventually(
      () => {
        expect(lines.filter(isOfTake)).toMatchObject([
          { to: session, cause: 'take', rev, count: 3, interfaces: ['7:', '8:10.0.0.1', '9:'] },
        ]);
      },
      { withinMs: PUSHED_WITHIN_MS },
    );
  });

  it('when a lease expires, without a request', async () => {
    await using router = await Worker.connect(servers);
    const events = await listen(router, 'event.*');
    const { handle, session } = await router.register({ ttlMs: 3000 });
    const interfaces = Array.from({ length: 600 }, (_, at) => [at + 1]);
    await router.ask('take', { handle, seq: 1, ack: 1, interfaces });
    await eventually(
      () => {
        const ended = events.slice(601).map(({ message }) => [message['type'], message['session']]);
        expect(ended).toEqual([
          ['expired', session],
          ...interfaces.map(() => ['released', session]),
        ]);
      },
      { withinMs: PUSHED_WITHIN_MS },
    );
  });

  it('as a head at least once a second for routers with live sessions only', async () => {
    await using live = await Worker.connect(servers);
    await using empty = await Worker.connect(servers);
    const { rev } = await live.register();
    const gone = await empty.register();
    await empty.ask('deregister', { handle: gone.handle, seq: 1, ack: 1 });
    const heads = await listen(live, 'head');
    const none = await listen(empty, 'head');
    await eventually(() => expect(heads.length).toBeGreaterThan(4), { withinMs: 30_000 });
    expect(none).toEqual([]);
    expect(Object.keys(heads[0]?.message ?? {}).toSorted()).toEqual([
      'ffirst',
      'first',
      'frev',
      'log',
      'mfirst',
      'mrev',
      'msettled',
      'rev',
      'rrev',
      'rsettled',
      'schema',
      'settled',
      'ts',
    ]);
    expect(heads[0]?.message).toMatchObject({ rev, first: 1 });
    // On average, since what is heard late was not always sent late.
    const first = heads[0]?.atMono ?? 0;
    const last = heads.at(-1)?.atMono ?? 0;
    expect((last - first) / (heads.length - 1)).toBeLessThan(1_000);
  });

  it('also for a router that only another replica has served', async () => {
    const redis = new Redis(servers.redis.url);
    opened.defer(() => redis.disconnect());
    await using router = await Worker.connect(servers, 'elsewhere');
    const events = await listen(router, 'event.*');
    const { manager } = await manage(servers, { MGM_PREFIX: 'mgm.other' });
    await using other = manager;
    const bytes = encodeMessage({
      protocolId: 0x67,
      componentId: 1,
      instance: 'x'.repeat(16),
      ttlMs: 1000,
    });
    await router.nats.request('mgm.other.elsewhere.register', bytes);
    await other.stop();
    await eventually(
      () => expect(events.map(({ message }) => message['type'])).toEqual(['expired']),
      {
        withinMs: 30_000,
      },
    );
  });
});
