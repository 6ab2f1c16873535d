import { encodeMessage, OPERATIONS } from '@mgm/protocol';
import { heapAfter, startServers, type TestServers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manage, Worker, type LogLine } from './in-process.ts';

const BAD_REQUEST = { status: 87, error: 'ERROR_INVALID_PARAMETER', reason: 'bad-request' };
const MB = 1024 * 1024;

/** Lists in lists, `depth` deep, in field `x`. */
function nested(depth: number): Uint8Array {
  return Buffer.concat([
    Buffer.from([0x81, 0xa1, 0x78]),
    Buffer.alloc(depth, 0x91),
    Buffer.from([1]),
  ]);
}

/** A map with a filler field that makes it this many bytes long. */
function ofLength(bytes: number): Uint8Array {
  const short = encodeMessage({ ifIndex: 7, filler: 'x'.repeat(60_000) }).length - 60_000;
  return encodeMessage({ ifIndex: 7, filler: 'x'.repeat(bytes - short) });
}

const PROTO = Buffer.concat([
  Buffer.from([0x81, 0xa9]),
  Buffer.from('__proto__'),
  encodeMessage({ ifIndex: 7 }),
]);

const MALFORMED: readonly (readonly [what: string, bytes: Uint8Array, why: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /empty/],
  ['text', Buffer.from('take eth0'), /not a MessagePack map/],
  ['JSON', Buffer.from('{"ifIndex":7}'), /not a MessagePack map/],
  ['a number', Buffer.from([7]), /not a MessagePack map/],
  ['a map cut short', encodeMessage({ ifIndex: 7 }).subarray(0, -1), /truncated/],
  ['a map of four billion fields', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]), /truncated/],
  ['64 KiB + 1', ofLength(64 * 1024 + 1), /65537 bytes, more than 65536/],
  ['half a megabyte', ofLength(512 * 1024), /more than 65536/],
  ['deep nesting', nested(60_000), /nested deeper/],
  ['__proto__', PROTO, /__proto__/],
];

const WRONG_FIELDS: readonly (readonly [
  field: string,
  op: 'owner' | 'take' | 'register',
  fields: object,
])[] = [
  ['ifIndex', 'owner', {}],
  ['ifIndex', 'owner', { ifIndex: '7' }],
  ['ifIndex', 'owner', { ifIndex: 0 }],
  ['ifIndex', 'owner', { ifIndex: 4_294_967_296 }],
  ['nextHop', 'owner', { ifIndex: 7, nextHop: '10.0.0' }],
  ['deadlineMs', 'owner', { ifIndex: 7, deadlineMs: -1 }],
  ['handle', 'take', { seq: 1, ack: 1, ifIndex: 7 }],
  ['ack', 'take', { handle: 'h', seq: 1, ack: 2, ifIndex: 7 }],
  ['interfaces', 'take', { handle: 'h', seq: 1, ack: 1, ifIndex: 7, interfaces: [[7]] }],
  ['interfaces[1][0]', 'take', { handle: 'h', seq: 1, ack: 1, interfaces: [[7], [0]] }],
  ['instance', 'register', { protocolId: 1, componentId: 1, instance: 'short' }],
];

describe('a malformed message', () => {
  let servers: TestServers;
  let redis: Redis;
  let worker: Worker;
  let lines: LogLine[];
  const opened = new AsyncDisposableStack();

  beforeAll(async () => {
    servers = opened.use(await startServers());
    const managed = await manage(servers);
    opened.use(managed.manager);
    ({ lines } = managed);
    worker = opened.use(await Worker.connect(servers));
    redis = new Redis(servers.redis.url);
    opened.defer(() => redis.disconnect());
  });
  afterAll(() => opened.disposeAsync());

  it.each(MALFORMED)('is refused: %s', async (_, bytes, why) => {
    for (const operation of OPERATIONS) {
      const reply = await worker.send(operation, bytes);
      expect(reply).toMatchObject({ ...BAD_REQUEST, field: 'message', rev: 0 });
      expect(reply.message).toMatch(why);
    }
  });

  it.each(WRONG_FIELDS)(
    'is refused with the name of the field: %s of %s %j',
    async (field, operation, fields) => {
      const reply = await worker.ask(operation, fields);
      expect(reply).toMatchObject({ ...BAD_REQUEST, field });
      expect(reply.message).toContain(field);
    },
  );

  it('does not include a valid request of 64 KiB', async () => {
    const bytes = ofLength(64 * 1024);
    expect(bytes).toHaveLength(65_536);
    expect(await worker.send('owner', bytes)).toMatchObject({ status: 1168 });
  });

  it.each(['r$', 'ü', 'x'.repeat(65)])('is refused for its router name: %s', async (router) => {
    const reply = await worker.on(router).ask('owner', { ifIndex: 7 });
    expect(reply).toMatchObject({ ...BAD_REQUEST, field: 'router', rev: 0 });
  });

  it('is refused with the current revision of its router, also if another replica advanced it', async () => {
    const { manager: other } = await manage(servers);
    await using _ = other;
    await using known = await Worker.connect(servers);
    const { rev } = await known.register();
    // Whichever of the two takes it.
    for (let times = 0; times < 20; times++) {
      expect(await known.ask('owner', {})).toMatchObject({ ...BAD_REQUEST, rev });
    }
  });

  it('gets no reply without a reply subject', async () => {
    worker.nats.publish(worker.subject('owner'), Buffer.from('x'));
    expect(await worker.ask('owner', { ifIndex: 7 })).toMatchObject({ status: 1168 });
  });

  it('cannot make a manager publish on an event subject', async () => {
    const heard: unknown[] = [];
    const event = worker.subject('event.taken');
    worker.nats.subscribe(event, { callback: (_, message) => heard.push(message) });
    worker.nats.publish(worker.subject('owner'), encodeMessage({ ifIndex: 7 }), { reply: event });
    await worker.ask('owner', { ifIndex: 7 });
    expect(heard).toEqual([]);
  });

  it('leaves nothing behind, even if 20 000 are sent', async () => {
    const before = (await redis.keys('*')).toSorted();
    const messages = [...MALFORMED.map(([, bytes]) => bytes), encodeMessage({ deadlineMs: -1 })];
    const small = messages.filter((bytes) => bytes.length < 1000);
    await flood(worker, small, 2_000);
    const heapBefore = heapAfter('full');
    await flood(worker, small, 20_000);
    expect(heapAfter('full') - heapBefore).toBeLessThan(2 * MB);
    expect((await redis.keys('*')).toSorted()).toEqual(before);
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});

/** Sends requests that are refused, each to a new router name, 200 at a time. */
async function flood(
  worker: Worker,
  messages: readonly Uint8Array[],
  count: number,
): Promise<void> {
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < count) {
      const at = sent++;
      const operation = OPERATIONS[at % OPERATIONS.length] ?? 'owner';
      const bytes = messages[at % messages.length] ?? Buffer.alloc(0);
      const reply = await worker.on(`flood-${at}`).send(operation, bytes);
      expect(reply.status).toBe(87);
    }
  };
  await Promise.all(Array.from({ length: 200 }, lane));
}
