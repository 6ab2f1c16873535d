import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectDeadHandle, expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import {
  defaultRegistration,
  newInstance,
  pairs,
  Protocols,
  type RawSession,
} from '../support/raw-client.ts';
import type { Fields } from '../support/raw-codec.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

/** Enough repeats that each of three managers gets some of them. */
const REPEATS = 12;
const STALE_WITHIN_MS = 30_000;
const PUSHED_WITHIN = { withinMs: 30_000 };

const WRONG: readonly (readonly [field: string, fields: Fields])[] = [
  ['ttlMs', { ttlMs: 999 }],
  ['ttlMs', { ttlMs: 300_001 }],
  ['graceMs', { graceMs: -1 }],
  ['graceMs', { graceMs: 3_600_001 }],
  ['instance', { instance: 'x'.repeat(15) }],
  ['instance', { instance: 'x'.repeat(65) }],
];

const RIGHT: readonly Fields[] = [
  { ttlMs: 1_000, graceMs: 0 },
  { ttlMs: 300_000, graceMs: 3_600_000 },
  { instance: 'x'.repeat(16) },
  { instance: 'x'.repeat(64) },
  { protocolId: 0, componentId: 0 },
  { protocolId: 4_294_967_295, componentId: 4_294_967_295 },
];

overReplicas((stage) => {
  describe('register', () => {
    it('gives a handle of at most 64 bytes, a session number and a fresh mailbox', async () => {
      const { registered } = await stage.router().register();
      expect(registered).toMatchObject({ resumed: false, mailbox: 0, rev: 1 });
      expect(Buffer.byteLength(registered.handle)).toBeGreaterThan(0);
      expect(Buffer.byteLength(registered.handle)).toBeLessThanOrEqual(64);
      expect(Number.isSafeInteger(registered.session)).toBe(true);
      expect(registered).not.toHaveProperty('owned');
      expect(registered).not.toHaveProperty('epoch');
    });

    it('gives every session a handle and a number of its own', async () => {
      const router = stage.router();
      const sessions: RawSession[] = [];
      for (let componentId = 1; componentId <= 10; componentId++) {
        sessions.push(await router.register({ componentId }));
      }
      expect(new Set(sessions.map(({ handle }) => handle)).size).toBe(10);
      expect(new Set(sessions.map(({ session }) => session)).size).toBe(10);
    });

    it('defaults to a lease of 10 s without grace', async () => {
      const { registered } = await stage
        .router()
        .register({ ttlMs: undefined, graceMs: undefined });
      expect(registered).toMatchObject({ ttlMs: 10_000, graceMs: 0 });
    });

    it('works without a name', async () => {
      const router = stage.router();
      const client = await router.register({ name: undefined });
      ok(await client.take(7));
      expect(ok(await router.owner(7))).toMatchObject(client.named);
    });

    it.each(RIGHT)('accepts %o', async (fields) => {
      const { registered } = await stage.router().register(fields);
      const { ttlMs = 300_000, graceMs = 0 } = fields;
      expect(registered).toMatchObject({ ttlMs, graceMs });
    });

    it.each(WRONG)('refuses a %s out of range: %o', async (field, fields) => {
      const router = stage.router();
      const asked = { ...defaultRegistration(), ...fields };
      expectRefused(await router.request('register', asked), 87, 'bad-request', { field });
      expect(await router.rev()).toBe(0);
    });
  });

  describe.each([
    ['a routing protocol', Protocols.pim],
    ['IGMP', Protocols.igmp],
  ])('the pair names the client: %s', (_, protocolId) => {
    it('the same instance again has the same handle, and no second event', async () => {
      const router = stage.router();
      const { asked, registered } = await router.register({ protocolId });
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        expect(await router.request('register', asked)).toEqual(registered);
      }
      expect(await router.rev()).toBe(1);
    });

    it('the same instance again keeps what the session owns', async () => {
      const router = stage.router();
      const client = await router.register({ protocolId });
      const { epoch } = ok(await client.take(7));
      const { handle } = ok(await router.request('register', client.asked));
      expect(handle).toBe(client.handle);
      expect(ok(await router.owner(7))).toMatchObject({ ...client.named, epoch });
      ok(await client.release(7));
    });

    it('the same instance, registering many times at once, is one session', async () => {
      const router = stage.router();
      const asked = { ...defaultRegistration(), protocolId };
      const all = Array.from({ length: REPEATS }, () => router.request('register', asked));
      const handles = (await Promise.all(all)).map((reply) => ok(reply).handle);
      expect(new Set(handles).size).toBe(1);
      expect(await router.rev()).toBe(1);
    });

    it('another instance of a live session is refused', async () => {
      const router = stage.router();
      const client = await router.register({ protocolId });
      const other = { ...client.asked, instance: newInstance() };
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const reply = await router.request('register', other);
        expectRefused(reply, 183, 'already-registered', { rev: 1 });
      }
      ok(await client.keepalive());
    });

    it('another component is another client', async () => {
      const router = stage.router();
      const one = await router.register({ protocolId, componentId: 1 });
      const two = await router.register({ protocolId, componentId: 2 });
      expect(two.handle).not.toBe(one.handle);
      ok(await one.keepalive());
    });

    it('the same pair on another router is another client', async () => {
      const one = await stage.router().register({ protocolId });
      const two = await stage.router().register({ protocolId });
      expect(two.handle).not.toBe(one.handle);
      expectRefused(
        await one.router.request('keepalive', { handle: two.handle }),
        87,
        'bad-handle',
      );
    });

    it('after deregister another instance starts without interfaces', async () => {
      const router = stage.router();
      const client = await router.register({ protocolId });
      ok(await client.deregister());
      const next = await router.register({ protocolId });
      expect(next.registered).toMatchObject({ resumed: false, mailbox: 0 });
      expect(next.session).not.toBe(client.session);
      expect(next.handle).not.toBe(client.handle);
    });

    it('takeover resumes a live session under a new epoch, and the old handle is dead', async () => {
      const router = stage.router();
      const old = await router.register({ protocolId });
      const { results } = ok(await old.takeAll(pairs(3)));
      const next = await router.register({ protocolId, takeover: true });
      await expectResumed(
        old,
        next,
        3,
        results.map(({ epoch }) => BigInt(epoch ?? 0)),
      );
      ok(await next.releaseAll(pairs(3)));
    });

    it('takeover pushes one SESSION_LOST to the former session, with its next number, and keeps none', async () => {
      const { router, watch } = await enter(stage);
      const old = await router.register({ protocolId, componentId: 99 });
      const rev = await router.rev();
      const next = await router.register({ protocolId, componentId: 99, takeover: true });
      const lost = { seq: 1, type: 'SESSION_LOST', cause: 'takeover', by: next.session };
      await eventually(
        () => expect(watch.callbacksOf(old.session)).toMatchObject([lost]),
        PUSHED_WITHIN,
      );
      ok(await router.request('register', next.asked));
      ok(await next.keepalive());
      expect(next.registered.mailbox).toBe(0);
      expect(watch.callbacksOf(old.session)).toHaveLength(1);
      expect(watch.callbacksOf(next.session)).toEqual([]);
      expect(await router.rev()).toBe(rev + 1);
    });

    it('a repeated takeover by the same instance is a retry', async () => {
      const router = stage.router();
      const old = await router.register({ protocolId });
      ok(await old.take(7));
      const next = await router.register({ protocolId, takeover: true });
      const rev = await router.rev();
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const { handle, session, resumed, owned, epoch } = next.registered;
        const reply = await router.request('register', next.asked);
        expect(reply).toMatchObject({ status: 0, handle, session, resumed, owned, epoch });
      }
      expect(await router.rev()).toBe(rev);
      expect(ok(await router.owner(7))).toMatchObject({
        ...next.named,
        epoch: next.registered.epoch,
      });
    });

    it('takeover without a registered session is a plain register', async () => {
      const { registered } = await stage.router().register({ protocolId, takeover: true });
      expect(registered.resumed).toBe(false);
    });

    it('in the grace time the pair resumes under a new epoch, with any instance', async () => {
      const router = stage.router();
      const old = await router.register({ protocolId, ttlMs: 1000, graceMs: 60_000 });
      const { results } = ok(await old.takeAll(pairs(2)));
      await eventually(async () => expect(ok(await router.owner(1)).stale).toBe(true), {
        withinMs: STALE_WITHIN_MS,
        everyMs: 50,
      });
      const next = await router.register({ protocolId });
      await expectResumed(
        old,
        next,
        2,
        results.map(({ epoch }) => BigInt(epoch ?? 0)),
      );
      expect(ok(await router.owner(1)).stale).toBe(false);
      ok(await next.releaseAll(pairs(2)));
    });
  });
});

/** The new session owns all interfaces of the old one under one epoch above all of theirs. */
async function expectResumed(
  old: RawSession,
  next: RawSession,
  owned: number,
  epochs: readonly bigint[],
): Promise<void> {
  const { router } = next;
  expect(next.registered).toMatchObject({ resumed: true, owned, mailbox: 0 });
  const { epoch, session } = next.registered;
  for (const before of epochs) expect(BigInt(epoch ?? 0)).toBeGreaterThan(before);
  const listed = ok(await router.request('interfaces', { session }));
  expect(listed.items).toHaveLength(owned);
  for (const item of listed.items) expect(item).toMatchObject({ session, epoch });
  expect(ok(await router.request('interfaces', { session: old.session })).items).toEqual([]);
  expectDeadHandle(await old.keepalive());
  expectDeadHandle(await old.release(1));
  expectDeadHandle(await old.take(99));
  expect(ok(await router.owner(1))).toMatchObject({ ...next.named, epoch });
}
