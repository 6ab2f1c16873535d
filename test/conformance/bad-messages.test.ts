import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { OPS, validRequest, WRONG } from '../support/raw-operations.ts';
import { ok, readReply } from '../support/raw-replies.ts';
import { newInstance, Protocols, type RawRouter } from '../support/raw-client.ts';
import { type Fields, pack } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

const TOO_LARGE = 64 * 1024 + 1;

/** Fields that are integers; `nextHop` may be one. */
const INTEGERS: ReadonlySet<string> = new Set([
  ...['protocolId', 'componentId', 'ttlMs', 'graceMs', 'deadlineMs', 'ack', 'seq', 'mailboxAck'],
  ...['ifIndex', 'nextHop', 'limit', 'from', 'session'],
]);

const CASES = OPS.flatMap((op) =>
  Object.entries(WRONG[op]).map(([field, values]) => ({ op, field, values })),
);

/** Messages that are not one MessagePack map with string keys of at most 64 KiB. */
const MALFORMED: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['nothing at all', new Uint8Array()],
  ['a byte that MessagePack never uses', Uint8Array.of(0xc1)],
  ['JSON', Buffer.from('{"ifIndex":7}')],
  ['text', Buffer.from('take eth0')],
  ['nil', Uint8Array.of(0xc0)],
  ['a number', pack(7)],
  ['a string', pack('ifIndex')],
  ['a list', pack([['ifIndex', 7]])],
  ['a map that ends too early', pack({ ifIndex: 7 }).subarray(0, -1)],
  ['a map and more behind it', Buffer.concat([pack({ ifIndex: 7 }), pack({ ifIndex: 8 })])],
  ['a map that promises four billion fields', Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)],
  ['a list that promises four billion items', withField(Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff))],
  ['a text that promises four gigabytes', withField(Buffer.of(0xdb, 0xff, 0xff, 0xff, 0xff))],
  ['a map with a number as key', pack(new Map<unknown, unknown>([[7, 'ifIndex']]))],
  ['a map with a map as key', pack(new Map<unknown, unknown>([[new Map([['a', 1]]), 7]]))],
  ['lists within lists, 30 000 deep', nested(0x91)],
  ['maps within maps, 15 000 deep', withField(nestedMaps(15_000))],
  ['lists within lists that never end', withField(Buffer.alloc(60_000, 0x91))],
  ['65 537 bytes', padded(TOO_LARGE)],
  ['500 000 bytes', padded(500_000)],
];

overReplicas((stage) => {
  describe('a wrong field is refused with 87 bad-request, which names it', () => {
    it.each(CASES)('$op: $field', async ({ op, field, values }) => {
      const { router, client } = await busyRouter(stage);
      const rev = await router.rev();
      for (const value of values) {
        const reply = await router.request(op, { ...validRequest(op, client), [field]: value });
        // A wrong element of a list is named with its position: routes[0].
        const named = {
          field: expect.stringMatching(new RegExp(String.raw`^${field}(\[\d+\])*$`)),
          message: expect.stringContaining(field),
          rev,
        };
        expect({ value, reply }).toMatchObject({ value, reply: REFUSED });
        expect({ value, reply }).toMatchObject({ value, reply: named });
      }
      expect(await router.rev()).toBe(rev);
      ok(await client.keepalive());
      expect(ok(await router.owner(7))).toMatchObject(client.named);
    });

    it.each(OPS)('%s is refused when an integer is sent as a float', async (op) => {
      const { router, client } = await busyRouter(stage);
      const right = validRequest(op, client);
      const integers = Object.keys(WRONG[op]).filter((name) => INTEGERS.has(name));
      for (const field of integers) {
        for (const float of [7, -0]) {
          const reply = readReply(await router.send(op, withFloat(right, field, float)));
          expect({ field, reply }).toMatchObject({ field, reply: { ...REFUSED, field } });
        }
      }
      expect(ok(await router.owner(7))).toMatchObject(client.named);
    });

    it.each(OPS)('%s is accepted when all of its fields are valid', async (op) => {
      const { router, client } = await busyRouter(stage);
      const reply = await router.request(op, validRequest(op, client));
      expect(reply).not.toMatchObject({ reason: 'bad-request' });
    });
  });

  describe('a message that is no map of at most 64 KiB is refused with 87 bad-request', () => {
    it.each(MALFORMED)('%s', async (_, bytes) => {
      const { router, client } = await busyRouter(stage);
      const rev = await router.rev();
      for (const op of OPS) {
        const reply = readReply(await router.send(op, bytes));
        expect({ op, reply }).toMatchObject({ op, reply: { ...REFUSED, rev } });
      }
      expect(await router.rev()).toBe(rev);
      ok(await client.keepalive());
    });

    it('a message of exactly 64 KiB is accepted', async () => {
      const { router, client } = await busyRouter(stage);
      const bytes = padded(TOO_LARGE - 1);
      expect(bytes.length).toBe(65_536);
      expect(readReply(await router.send('owner', bytes))).toMatchObject(client.named);
    });

    it('a field named __proto__ sets no other field', async () => {
      const { router } = await busyRouter(stage);
      const sly = pack(new Map([['__proto__', { ifIndex: 7 }]]));
      expectRefused(readReply(await router.send('owner', sly)), 87, 'bad-request');
      const slier = pack(new Map([['constructor', { prototype: { ifIndex: 7 } }]]));
      expectRefused(readReply(await router.send('owner', slier)), 87, 'bad-request', {
        field: 'ifIndex',
      });
      expectRefused(await router.request('owner', {}), 87, 'bad-request', { field: 'ifIndex' });
    });

    it('a request on an invalid router name is refused', async () => {
      for (const name of ['x'.repeat(65), 'a!b', 'a{b}', 'é']) {
        const reply = await stage.router(name).request('owner', { ifIndex: 7 });
        expectRefused(reply, 87, 'bad-request');
      }
    });

    it('a refused message leaves nothing in the store', async () => {
      const router = stage.router();
      for (const op of OPS) {
        for (const [, bytes] of MALFORMED) await router.send(op, bytes);
        await router.request(op, { ifIndex: 0, handle: newInstance(), seq: 0, protocolId: -1 });
      }
      expect(await keysOf(stage, router)).toEqual([]);
    });

    it('no message crashes a manager', async () => {
      const pids = stage.managers.running.map(({ pid }) => pid);
      for (const pid of pids) expect(() => process.kill(pid, 0)).not.toThrow();
      expect(pids).toHaveLength(stage.replicas);
    });
  });
});

const REFUSED = { status: 87, error: 'ERROR_INVALID_PARAMETER', reason: 'bad-request' };

/** A router with a client that owns interface 7, and an IGMP session on it. */
async function busyRouter(stage: Stage) {
  const router = stage.router();
  const client = await router.register({ protocolId: Protocols.pim });
  ok(await router.request('take', { handle: client.handle, seq: 1, ack: 1, ifIndex: 7 }));
  return { router, client };
}

/** The message with one field as a MessagePack float of 64 bits. */
function withFloat(fields: Fields, field: string, value: number): Uint8Array {
  const others = Object.entries(fields).filter(
    ([name, one]) => name !== field && one !== undefined,
  );
  const float = Buffer.alloc(9, 0xcb);
  float.writeDoubleBE(value, 1);
  const parts = others.flatMap(([name, one]) => [pack(name), pack(one)]);
  return Buffer.concat([Buffer.of(0x80 | (parts.length / 2 + 1)), ...parts, pack(field), float]);
}

/** A map with one unknown field that holds these bytes. */
function withField(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(0x81), pack('x'), bytes]);
}

function nested(header: number): Uint8Array {
  return withField(Buffer.concat([Buffer.alloc(30_000, header), Buffer.of(0xc0)]));
}

function nestedMaps(depth: number): Uint8Array {
  const level = Buffer.concat([Buffer.of(0x81), pack('x')]);
  return Buffer.concat([...Array<Buffer>(depth).fill(level), Buffer.of(0xc0)]);
}

/** A request for the owner of interface 7 with a length of exactly `bytes`. */
function padded(size: number): Uint8Array {
  // Two paddings: the header of a single one grows at 64 KiB, which makes one length impossible.
  const fields = { ifIndex: 7, x: '', y: 'y'.repeat(1_000) };
  for (let length = size - 1_100; ; length++) {
    const bytes = pack({ ...fields, x: 'x'.repeat(length) });
    if (bytes.length === size) return bytes;
    if (bytes.length > size) throw new Error(`no padding gives ${size} bytes`);
  }
}

async function keysOf(stage: Stage, router: RawRouter): Promise<string[]> {
  const redis = new Redis(stage.servers.redis.url);
  try {
    return await redis.keys(`*${router.name}*`);
  } finally {
    redis.disconnect();
  }
}
