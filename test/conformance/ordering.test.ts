import { describe, expect, it } from 'vitest';
import { expectDeadHandle, expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { newInstance, pairs } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';

overReplicas((stage) => {
  describe('table 1.15: required order of operations', () => {
    it.each(['take', 'release'] as const)(
      'register before %s: else INVALID_PARAMETER',
      async (op) => {
        const router = stage.router();
        const request = { handle: newInstance(), seq: 1, ack: 1, ifIndex: 7 };
        expectRefused(await router.request(op, request), 87, 'bad-handle');
        expectRefused(await router.owner(7), 1168, 'not-found');
      },
    );

    it.each(['keepalive', 'deregister', 'mailbox'] as const)(
      'register before %s too',
      async (op) => {
        const request = { handle: newInstance(), seq: 1, ack: 1, from: 0 };
        expectRefused(await stage.router().request(op, request), 87, 'bad-handle');
      },
    );

    it('a handle with any character changed, left out or added is refused', async () => {
      const router = stage.router();
      const client = await router.register();
      ok(await client.take(7));
      const rev = await router.rev();
      for (const handle of [...variantsOf(client.handle), String(client.session)]) {
        const request = { handle, seq: 2, ack: 1, ifIndex: 7 };
        expectDeadHandle(await router.request('release', request));
        expectDeadHandle(await router.request('keepalive', request));
      }
      expect(await router.rev()).toBe(rev);
      ok(await client.release(7));
    });

    it('deregister while interfaces are owned is CAN_NOT_COMPLETE and changes nothing', async () => {
      const router = stage.router();
      const pim = await router.register();
      ok(
        await pim.takeAll([
          [1, ''],
          [2, ''],
        ]),
      );
      const rev = await router.rev();
      expectRefused(await pim.deregister(), 1003, 'owns-interfaces', { rev });
      ok(await pim.release(1));
      expectRefused(await pim.deregister(), 1003, 'owns-interfaces');
      expect(ok(await router.owner(2))).toMatchObject(pim.named);
      ok(await pim.release(2));
      ok(await pim.deregister());
    });

    it('deregister while IGMP is on an interface is CAN_NOT_COMPLETE as well', async () => {
      const igmp = await stage.router().register({ protocolId: 10 });
      ok(await igmp.take(1));
      expectRefused(await igmp.deregister(), 1003, 'owns-interfaces');
      ok(await igmp.release(1));
      ok(await igmp.deregister());
    });

    it('a session whose deregister was refused stays usable', async () => {
      const router = stage.router();
      const pim = await router.register();
      ok(await pim.take(1));
      expectRefused(await pim.deregister(), 1003, 'owns-interfaces');
      ok(await pim.keepalive());
      ok(await pim.take(2));
    });

    it('deregister with `force` releases everything and ends the session in one step', async () => {
      const router = stage.router();
      const pim = await router.register();
      ok(
        await pim.takeAll([
          [1, ''],
          [2, ''],
        ]),
      );
      const before = await router.rev();
      const { rev } = ok(await pim.deregister({ force: true }));
      const events = await router.eventsAfter(before);
      expect(events.map(({ type }) => type)).toEqual(['released', 'released', 'deregistered']);
      expect(events.slice(0, 2)).toMatchObject([
        { ...pim.named, cause: 'release' },
        { ...pim.named, cause: 'release' },
      ]);
      expect(rev).toBe(before + 3);
      for (const ifIndex of [1, 2]) expectRefused(await router.owner(ifIndex), 1168, 'not-found');
    });

    it('deregister with `force` releases a thousand interfaces in one step', async () => {
      const router = stage.router();
      const pim = await router.register();
      ok(await pim.takeAll(pairs(1000)));
      const before = await router.rev();
      expect(await pim.deregister({ force: true })).toMatchObject({
        status: 0,
        rev: before + 1001,
      });
      const events = await router.eventsAfter(before);
      const released = Array<string>(1000).fill('released');
      expect(events.map(({ type }) => type)).toEqual([...released, 'deregistered']);
      expect(new Set(events.map(({ ifIndex }) => ifIndex)).size).toBe(1001);
      expect(ok(await router.request('interfaces', {})).items).toEqual([]);
    });

    it('deregister with `force` sends IGMP the callbacks of a release', async () => {
      const router = stage.router();
      const igmp = await router.register({ protocolId: 10 });
      const pim = await router.register();
      ok(await igmp.take(1));
      ok(await pim.take(1));
      ok(await pim.deregister({ force: true }));
      const messages = await igmp.mailbox(2);
      expect(messages).toMatchObject([
        { type: 'DISABLE_IGMP', ifIndex: 1, cause: 'release' },
        { type: 'ENABLE_IGMP', ifIndex: 1, cause: 'release' },
      ]);
    });

    it('owner needs no earlier operation', async () => {
      const router = stage.router();
      expectRefused(await router.owner(7), 1168, 'not-found');
      expect(await router.rev()).toBe(0);
      expect(ok(await router.request('interfaces', {})).items).toEqual([]);
      expect(ok(await router.request('sessions', {})).items).toEqual([]);
    });
  });
});

/** Strings that differ from this handle in one character. */
function variantsOf(handle: string): string[] {
  const changed = [...handle].map((character, at) => {
    const other = character === 'x' ? 'y' : 'x';
    return handle.slice(0, at) + other + handle.slice(at + 1);
  });
  return [...changed, handle.slice(0, -1), handle.slice(1), `${handle}x`, handle.toUpperCase()];
}
