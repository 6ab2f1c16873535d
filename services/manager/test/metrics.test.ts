import { freePort } from '@mgm/devstack';
import { encodeMessage, EVENT_TYPES, MEMBERSHIP_EVENT_TYPES } from '@mgm/protocol';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { METRICS } from '../src/health/metrics.ts';
import { manage, Worker } from './in-process.ts';

const MS = { withinMs: 30_000 };
/** Long enough for a take on a busy machine. */
const TTL_MS = 3_000;
const STORE_TIMEOUT_MS = '1000';
/** Longer than the store timeout. */
const PAUSE_MS = '1500';

let servers: TestServers;
let port: number | undefined;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  servers = opened.use(await startServers());
  const { manager } = await manage(servers, {
    MGM_NAME: 'one',
    MGM_STORE_TIMEOUT_MS: STORE_TIMEOUT_MS,
    MGM_HEALTH_PORT: String(await freePort()),
  });
  opened.use(manager);
  port = manager.healthPort;
});
afterAll(() => opened.disposeAsync());

/** Every line of `/metrics` by its name and labels, as Prometheus reads it. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => /^[^#]/.test(line));
  return new Map(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(\S+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(value, line).toMatch(/^([-+]?[\d.]+(e[-+]?\d+)?|\+Inf|Nan)$/);
      return [name, Number(value)];
    }),
  );
}

describe('/metrics', () => {
  it('has every defined metric with its help and type, and those of the process', async () => {
    await using worker = await Worker.connect(servers);
    await worker.register();
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    for (const { name, type } of Object.values(METRICS)) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} .+\\n# TYPE ${name} ${type}$`, 'm'));
    }
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \S+$/m);
    expect(text).toMatch(/^process_cpu_seconds_total \S+$/m);
  });

  it('counts requests by operation and result, and how long each took', async () => {
    await using worker = await Worker.connect(servers);
    const before = await scrape();
    const { handle } = await worker.register();
    await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
    await worker.ask('take', { handle, seq: 2, ack: 2, ifIndex: 7 });
    await worker.ask('take', { handle });
    await worker.ask('keepalive', { handle });
    const after = await scrape();
    const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const of = (operation: string, result: string): number =>
      grew(`mgm_requests_total{operation="${operation}",result="${result}"}`);
    expect(of('register', 'ok')).toBe(1);
    expect(of('take', 'ok')).toBe(1);
    expect(of('take', 'already-taken')).toBe(1);
    expect(of('take', 'bad-request')).toBe(1);
    expect(of('keepalive', 'ok')).toBe(1);
    expect(grew('mgm_request_seconds_count{operation="take"}')).toBe(3);
    expect(grew('mgm_request_seconds_bucket{le="+Inf",operation="take"}')).toBe(3);
    const tookSeconds = grew('mgm_request_seconds_sum{operation="take"}');
    expect(tookSeconds).toBeGreaterThan(0);
    expect(tookSeconds).toBeLessThan(10);
    expect(after.get('mgm_requests_waiting')).toBe(0);
  });

  it('counts calls of the script, their operations, and published messages', async () => {
    await using worker = await Worker.connect(servers);
    const before = await scrape();
    const { handle } = await worker.register();
    const igmp = await worker.register({ protocolId: 10 });
    await worker.ask('take', { handle: igmp.handle, seq: 1, ack: 1, ifIndex: 7 });
    await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
    await eventually(async () => {
      const after = await scrape();
      const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      expect(grew('mgm_events_total{type="registered"}')).toBe(2);
      expect(grew('mgm_events_total{type="taken"}')).toBe(1);
      expect(grew('mgm_callbacks_total')).toBe(2);
      expect(grew('mgm_heads_total')).toBeGreaterThan(0);
      expect(grew('mgm_batch_operations_sum')).toBeGreaterThanOrEqual(4);
      expect(grew('mgm_script_seconds_count')).toBe(grew('mgm_batch_operations_count'));
      expect(grew('mgm_sweep_slice_seconds_count')).toBeGreaterThan(0);
    }, MS);
  });

  it('counts memberships that are created or removed, and alerts like other callbacks', async () => {
    await using worker = await Worker.connect(servers);
    const before = await scrape();
    const { handle } = await worker.register({ componentId: 1 });
    await worker.register({ componentId: 2, alerts: ['JOIN_ALERT'] });
    await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
    const entries = ['239.1.1.1', '239.1.1.2', '239.1.1.3'].map((group) => [7, '', group, '']);
    await worker.ask('member.add', { handle, seq: 2, ack: 2, entries });
    await worker.ask('member.delete', { handle, seq: 3, ack: 3, entries: entries.slice(1) });
    await eventually(async () => {
      const after = await scrape();
      const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      expect(grew('mgm_events_total{type="joined"}')).toBe(3);
      expect(grew('mgm_events_total{type="left"}')).toBe(2);
      expect(grew('mgm_callbacks_total')).toBe(1);
    }, MS);
  });

  it('counts questions to owners by type and result', async () => {
    await using worker = await Worker.connect(servers);
    const before = await scrape();
    const owner = await worker.register({ componentId: 1, alerts: ['RPF'] });
    const { handle } = owner;
    const other = await worker.register({ componentId: 2, alerts: ['CREATION_ALERT'] });
    await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 1 });
    await worker.ask('take', { handle: other.handle, seq: 1, ack: 1, ifIndex: 2 });
    const routes = [['10.0.0.0', 8, 1, '', '', 103]];
    await worker.ask('rib.set', { handle, seq: 2, ack: 2, routes });
    const group = '239.1.1.1';
    await worker.ask('member.add', { handle: other.handle, seq: 2, ack: 2, ifIndex: 2, group });
    worker.nats.subscribe(worker.subject(`ask.${String(owner['session'])}`), {
      callback: (_, message) => message.respond(encodeMessage({})),
    });
    const counted = async () => {
      const after = await scrape();
      return (type: string, result: string): number => {
        const name = `mgm_questions_total{type="${type}",result="${result}"}`;
        return (after.get(name) ?? 0) - (before.get(name) ?? 0);
      };
    };
    let flows = 0;
    // An answer that a busy machine delays by more than 200 ms counts as none; the next flow asks again.
    await eventually(async () => {
      await worker.ask('flow.new', { handle, flows: [[group, `10.1.1.${++flows}`, 1, '']] });
      expect((await counted())('RPF', 'answered')).toBe(1);
    }, MS);
    const grew = await counted();
    expect(grew('CREATION_ALERT', 'no-subscriber')).toBe(flows);
    expect(grew('CREATION_ALERT', 'unanswered')).toBe(0);
  });

  it('counts the sessions and interfaces that sweeps end', async () => {
    await using worker = await Worker.connect(servers);
    const before = await scrape();
    const { handle } = await worker.register({ ttlMs: TTL_MS });
    const interfaces = [[1], [2], [3]];
    const take = await worker.ask('take', { handle, seq: 1, ack: 1, interfaces });
    expect(take).toMatchObject({ status: 0 });
    await eventually(async () => {
      const after = await scrape();
      const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      expect(grew('mgm_sweep_sessions_ended_total')).toBe(1);
      expect(grew('mgm_sweep_interfaces_released_total')).toBe(3);
      expect(grew('mgm_events_total{type="expired"}')).toBe(1);
    }, MS);
  });

  it('describes the replica, its store, and a lost connection', async (ctx) => {
    skipOnOthers(ctx);
    const info = [...(await scrape()).keys()].find((name) => name.startsWith('mgm_info'));
    expect(info).toMatch(/replica="one",version="\d+\.\d+\.\d+",durability="memory"/);
    expect(info).toMatch(/store="(redis|valkey) \d+\.\d+\.\d+"/);
    await using redis = new Client(servers.redis.url);
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(async () => {
      const lines = await scrape();
      expect(lines.get('mgm_connection_losses_total{server="redis"}')).toBe(1);
      expect(lines.get('mgm_connected{server="redis"}')).toBe(1);
      expect(lines.get('mgm_connected{server="nats"}')).toBe(1);
    }, MS);
  });

  it('counts refusals while the store is unreachable', async (ctx) => {
    skipOnOthers(ctx);
    await using worker = await Worker.connect(servers);
    await using redis = new Client(servers.redis.url);
    const unavailable = 'mgm_requests_total{operation="sessions",result="unavailable"}';
    await redis.command('CLIENT', 'PAUSE', PAUSE_MS, 'ALL');
    expect(await worker.ask('sessions', {})).toMatchObject({ reason: 'unavailable' });
    expect((await scrape()).get(unavailable)).toBeGreaterThan(0);
    await eventually(async () => {
      expect(await worker.ask('sessions', {})).toMatchObject({ status: 0 });
    }, MS);
    const failed = [...(await scrape())].filter(([name]) =>
      name.startsWith('mgm_script_failures_total'),
    );
    expect(failed).not.toEqual([]);
  });

  it('counts data losses of the store, and takes refused in the hold-off', async (ctx) => {
    skipOnOthers(ctx);
    await using worker = await Worker.connect(servers);
    await worker.register();
    await using redis = new Client(servers.redis.url);
    await redis.command('FLUSHALL');
    const { handle } = await worker.register({ componentId: 2 });
    const take = await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
    expect(take).toMatchObject({ reason: 'unavailable', retryAfterMs: expect.any(Number) });
    await eventually(async () => {
      const figures = await scrape();
      expect(figures.get('mgm_events_total{type="store-reset"}')).toBeGreaterThanOrEqual(1);
      expect(figures.get('mgm_takes_held_back_total')).toBeGreaterThanOrEqual(1);
    }, MS);
  });

  it('names event types like the wire contract', async () => {
    const types = [...(await scrape()).keys()].flatMap((name) => {
      const [, type] = /^mgm_events_total\{type="(.*)"\}$/.exec(name) ?? [];
      return type === undefined ? [] : [type];
    });
    const named: readonly string[] = [...EVENT_TYPES, ...MEMBERSHIP_EVENT_TYPES];
    expect(types.filter((type) => !named.includes(type))).toEqual([]);
    expect(types.length).toBeGreaterThan(0);
  });
});

/** What others use is neither cut off nor emptied. */
function skipOnOthers(ctx: TestContext): void {
  ctx.skip(
    servers.redis.source === 'urls',
    'the Redis server is given by URL and may have others on it',
  );
}

/** A connection of its own to Redis. */
class Client implements AsyncDisposable {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url);
  }

  async command(name: string, ...args: string[]): Promise<void> {
    await this.#redis.call(name, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#redis.quit();
  }
}
