import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { ok, readReply } from '../support/raw-replies.ts';
import { Protocols, type RawRouter } from '../support/raw-client.ts';
import { type Fields, pack } from '../support/raw-codec.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';
import { formatsIn } from '../support/wire-scan.ts';

/** Formats that a field of the contract never has: floats and extensions. Bytes are of the MessagePack specification. */
const NO_FORMAT_OF_OURS = [0xca, 0xcb, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8];

/** Values of fields that the contract does not know, as a later version or another language may send them. */
const UNKNOWN: readonly unknown[] = [
  7,
  -7,
  1.5,
  null,
  true,
  'text',
  2n ** 64n - 1n,
  Buffer.from('bytes'),
  [1, [2, [3, [4, [5, [6, [7]]]]]]],
  { a: { b: { c: { d: { e: { f: 7 } } } } } },
  new Date(0),
];

overReplicas((stage) => {
  describe('section 2: messages', () => {
    it('sends integers as integers and no extensions, in every reply', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { handle } = clients.igmp;
      const requests: [Parameters<RawRouter['send']>[0], Fields][] = [
        ['owner', { ifIndex: 7 }],
        ['owner', { ifIndex: 8 }],
        ['validate', { ifIndex: 7, epoch: '1' }],
        ['keepalive', { handle }],
        ['take', { handle: clients.dvmrp.handle, seq: 1, ack: 1, ifIndex: 7 }],
        [
          'take',
          {
            handle: clients.dvmrp.handle,
            seq: 2,
            ack: 1,
            interfaces: [
              [7, ''],
              [8, ''],
            ],
          },
        ],
        ['release', { handle: clients.dvmrp.handle, seq: 3, ack: 3, ifIndex: 8 }],
        ['register', { ...clients.pim.asked, takeover: true }],
        ['admin.release', { ifIndex: 7, actor: 'operator', why: 'a test' }],
        ['mailbox', { handle, from: 0 }],
        ['interfaces', {}],
        ['sessions', {}],
        ['events', { from: 0 }],
        ['admin.evict', { session: clients.igmp.session, actor: 'operator', why: 'a test' }],
      ];
      for (const [op, fields] of requests) {
        const reply = await router.send(op, pack(fields));
        expect({ op, formats: foreignFormatsIn(reply) }).toEqual({ op, formats: [] });
      }
    });

    it('sends integers as integers and no extensions, in every pushed message', async () => {
      const { router, clients, watch } = await enter(stage, 'S1');
      ok(await clients.pim.take(7));
      const kinds = (): Set<string | undefined> =>
        new Set(watch.raw.map(({ subject }) => subject.split('.')[0]));
      await eventually(() => expect(kinds()).toEqual(new Set(['event', 'callback', 'head'])), {
        withinMs: 30_000,
      });
      expect(router.name).not.toBe('');
      for (const { subject, bytes } of watch.raw) {
        expect({ subject, formats: foreignFormatsIn(bytes) }).toEqual({ subject, formats: [] });
      }
    });

    it('reads integers of every width', async () => {
      const router = stage.router();
      const client = await router.register({
        protocolId: BigInt(Protocols.pim),
        componentId: 1n,
        ttlMs: 60_000n,
      });
      const { handle } = client;
      for (const [at, width] of [1, 2, 4, 8].entries()) {
        const [seq, ifIndex] = [uint(at + 1, width), uint(at + 1, width)];
        const request = map({ handle: pack(handle), seq, ack: seq, ifIndex });
        ok(readReply(await router.send('take', request)));
      }
      ok(await router.request('take', { handle, seq: 5n, ack: 5n, ifIndex: 4_294_967_295n }));
      expect(ok(await router.request('events', { from: 0n })).head).toBe(6);
    });

    it.each(UNKNOWN)('ignores an unknown field, whatever it holds: %o', async (unknown) => {
      const router = stage.router();
      const client = await router.register({ unknown });
      ok(await client.change('take', { ifIndex: 7, unknown }));
      ok(await client.change('release', { ifIndex: 7, unknown }));
      ok(await client.keepalive({ unknown }));
      expect(ok(await router.request('events', { from: 0, unknown })).head).toBe(3);
    });

    it.each([1_000, 60_000, 4_294_967_295])(
      'executes a request with a deadline of %i ms',
      async (deadlineMs) => {
        const router = stage.router();
        const client = await router.register({ deadlineMs });
        ok(await client.change('take', { ifIndex: 7, deadlineMs }));
        expect(ok(await router.owner(7))).toMatchObject(client.named);
        ok(await router.request('owner', { ifIndex: 7, deadlineMs }));
      },
    );

    it('has the revision in every reply', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const rev = 4;
      expect(await router.rev()).toBe(rev);
      expect(await router.owner(7)).toMatchObject({ status: 0, rev });
      expect(await router.owner(8)).toMatchObject({ status: 1168, rev });
      expect(await pim.keepalive()).toMatchObject({ status: 0, rev });
      expect(await router.request('interfaces', {})).toMatchObject({ status: 0, rev });
      expect(await router.request('sessions', {})).toMatchObject({ status: 0, rev });
      expect(await router.request('owner', { ifIndex: 0 })).toMatchObject({ status: 87, rev });
      expect(await pim.take(7)).toMatchObject({ status: 183, rev });
      expect(await pim.take(8)).toMatchObject({ status: 0, rev: rev + 1 });
      expect(await pim.release(8)).toMatchObject({ status: 0, rev: rev + 2 });
    });

    it('keeps routers apart', async () => {
      const one = await enter(stage, 'S2(pim)');
      const two = await enter(stage);
      expect(await two.router.rev()).toBe(3);
      ok(await two.clients.dvmrp.take(7));
      expect(ok(await one.router.owner(7))).toMatchObject(one.clients.pim.named);
    });

    it('accepts router names of up to 64 characters of the alphabet', async () => {
      for (const name of ['r', 'A-z_09', `${stage.router().name}${'x'.repeat(50)}`]) {
        const router = stage.router(name);
        const client = await router.register();
        ok(await client.take(7));
        expect(ok(await router.owner(7))).toMatchObject(client.named);
        ok(await client.deregister({ force: true }));
      }
    });
  });
});

function foreignFormatsIn(bytes: Uint8Array): string[] {
  const formats = formatsIn(bytes);
  return NO_FORMAT_OF_OURS.filter((one) => formats.has(one)).map((one) => `0x${one.toString(16)}`);
}

/** An unsigned integer in the format of this width. */
function uint(value: number, width: number): Uint8Array {
  const bytes = Buffer.alloc(1 + width);
  const header =
    new Map([
      [1, 0xcc],
      [2, 0xcd],
      [4, 0xce],
      [8, 0xcf],
    ]).get(width) ?? 0;
  bytes[0] = header;
  bytes[width] = value;
  return bytes;
}

/** A map of values that are already packed. */
function map(fields: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries = Object.entries(fields);
  const packed = entries.flatMap(([key, value]) => [pack(key), value]);
  return Buffer.concat([Buffer.of(0x80 | entries.length), ...packed]);
}
