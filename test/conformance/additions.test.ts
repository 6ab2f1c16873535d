import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { pairs, Protocols, type RawRouter } from '../support/raw-client.ts';
import { pack } from '../support/raw-codec.ts';
import { ok, readReply } from '../support/raw-replies.ts';
import { enter } from '../support/scene.ts';
import { overReplicas, skipUnderAccounts, type Stage } from '../support/stage.ts';

const ADMIN = { actor: 'operator', why: 'a test' };
const WITHIN = { withinMs: 30_000 };
/** Enough requests that each of three managers serves one. */
const BARRIER = 20;
/** Section 8: replies above this size leave out the names of holders. */
const NAMED_REPLY_BYTES = 256 * 1024;
/** The longest name, in characters of four bytes. */
const LONG_NAME = '\u{1F680}'.repeat(128);
const RETENTION = 1_000;

overReplicas(
  (stage) => {
    describe('section 8: reply subjects', () => {
      it.for([
        ['of printable ASCII', (tail: string) => `_INBOX.${tail}`],
        ['with many tokens', (tail: string) => `a.b.c.d.${tail}.!#$%`],
      ] as const)('%s get a reply', async ([name, subjectOf], ctx) => {
        const isInbox = name === 'of printable ASCII';
        if (!isInbox) skipUnderAccounts(ctx, 'NATS denies workers subscriptions outside _INBOX');
        const router = stage.router();
        const replies = await repliesOn(stage, subjectOf(router.name));
        publishOwner(stage, router, subjectOf(router.name));
        await eventually(() => expect(replies()).toBe(1), WITHIN);
      });

      it.for([
        ['under the prefix', ({ prefix, name }: RawRouter) => `${prefix}.${name}.event.x`],
        ['of an operation', ({ prefix, name }: RawRouter) => `${prefix}.${name}.deregister`],
        ['with a letter outside ASCII', ({ name }: RawRouter) => `_INBOX.\u00e9.${name}`],
        ['with a byte that latin1 makes a space', ({ name }: RawRouter) => `_I.\u0120.${name}`],
        ['with a byte that latin1 makes a line feed', ({ name }: RawRouter) => `_I.\u010a.${name}`],
      ] as const)(
        '%s get no reply, and the request is not executed',
        async ([, subjectOf], ctx) => {
          skipUnderAccounts(
            ctx,
            'managers see a reply subject that NATS made, not the one of the caller',
          );
          const router = stage.router();
          const foreign = subjectOf(router);
          const replies = await repliesOn(stage, foreign);
          const register = { protocolId: 1, componentId: 1, instance: 'x'.repeat(16) };
          const subject = `${router.prefix}.${router.name}.register`;
          stage.nats.publish(subject, pack(register), { reply: foreign });
          publishOwner(stage, router, foreign);
          for (let count = 0; count < BARRIER; count++) await router.rev();
          expect(ok(await router.request('sessions', {})).items).toEqual([]);
          // The request itself is seen where the reply subject is that of an operation.
          expect(replies()).toBe(0);
        },
      );
    });

    describe('section 8: admin.release with an epoch', () => {
      it('releases what is held under this epoch', async () => {
        const { router, clients } = await enter(stage);
        const { epoch } = ok(await clients.pim.take(7));
        ok(await router.request('admin.release', { ifIndex: 7, epoch, ...ADMIN }));
        expectRefused(await router.owner(7), 1168, 'not-found');
      });

      it('is refused with the epoch in force for any other, and changes nothing', async () => {
        const { router, clients } = await enter(stage);
        const former = ok(await clients.pim.take(7)).epoch;
        ok(await clients.pim.release(7));
        const current = ok(await clients.dvmrp.take(7)).epoch;
        const rev = await router.rev();
        const fields = { ifIndex: 7, epoch: former, ...ADMIN };
        const reply = await router.request('admin.release', fields);
        expectRefused(reply, 87, 'not-owner', { current, rev });
        expect(ok(await router.owner(7))).toMatchObject(clients.dvmrp.named);
      });
    });

    describe('section 8: admin.events', () => {
      it('has each operator action and each refused attempt, numbered from 1', async () => {
        const { router, clients } = await enter(stage, 'S2(pim)');
        const { session } = clients.dvmrp;
        ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
        expectRefused(
          await router.request('admin.release', { ifIndex: 7, ...ADMIN }),
          1168,
          'not-found',
        );
        ok(await router.request('admin.evict', { session, ...ADMIN }));
        const log = ok(await router.request('admin.events', { from: 0 }));
        expect(log).toMatchObject({ head: 3, first: 1 });
        expect(log.events).toMatchObject([
          { number: 1, type: 'released', ifIndex: 7, session: clients.pim.session, ...ADMIN },
          { number: 2, type: 'refused', reason: 'not-found', ifIndex: 7, ...ADMIN },
          { number: 3, type: 'evicted', session, ...ADMIN },
        ]);
        expect(ok(await router.request('admin.events', { from: 2 })).events).toHaveLength(1);
        const page = ok(await router.request('admin.events', { from: 0, limit: 2 })).events;
        expect(page.map(({ number }) => number)).toEqual([1, 2]);
      });

      it('is not shortened by other changes', async () => {
        const { router, clients } = await enter(stage, 'S2(pim)');
        ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
        for (let round = 0; round < 2; round++) {
          ok(await clients.pim.takeAll(pairs(1024)));
          ok(await clients.pim.releaseAll(pairs(1024)));
        }
        expectRefused(await router.request('events', { from: 0 }), 1003, 'compacted');
        const { events } = ok(await router.request('admin.events', { from: 0 }));
        expect(events).toMatchObject([{ number: 1, type: 'released', ifIndex: 7, ...ADMIN }]);
      });
    });

    describe('section 8: refusals in bulk', () => {
      it('have the name of the holder in a small reply and not in one above 256 KiB', async () => {
        const router = stage.router();
        const holder = await router.register({ name: LONG_NAME });
        ok(await holder.takeAll(pairs(1024)));
        const rival = await router.register({ protocolId: Protocols.dvmrp });
        const small = ok(await rival.takeAll(pairs(10))).results;
        expect(small.map((one) => one.holder?.name)).toEqual(Array(10).fill(LONG_NAME));
        const fields = { ...rival.next(), interfaces: pairs(1024) };
        const bytes = await router.send('take', pack(fields));
        expect(bytes.length).toBeLessThanOrEqual(NAMED_REPLY_BYTES);
        const { results } = ok(readReply<'take'>(bytes));
        expect(results).toHaveLength(1024);
        for (const { reason, holder: named } of results) {
          expect(reason).toBe('already-owned');
          expect(named).toMatchObject({ session: holder.session });
          expect(named).not.toHaveProperty('name');
        }
        // A repeat gets the same reply.
        expect(ok(readReply<'take'>(await router.send('take', pack(fields)))).results).toEqual(
          results,
        );
      });
    });

    describe('section 8: SESSION_LOST', () => {
      it('is pushed to the former session at a takeover, with the next seq and the new session', async () => {
        const router = stage.router();
        const watch = router.watch();
        const former = await router.register();
        ok(await former.take(7));
        ok(await former.take(8));
        ok(await router.request('admin.release', { ifIndex: 8, ...ADMIN }));
        const { session } = await router.register({ takeover: true });
        await eventually(
          () =>
            // Managers publish independently, so the two callbacks may arrive in any order.
            expect(
              watch.callbacksOf(former.session).toSorted((a, b) => a.seq - b.seq),
            ).toMatchObject([
              { seq: 1, type: 'OWNERSHIP_LOST' },
              { seq: 2, type: 'SESSION_LOST', cause: 'takeover', by: session },
            ]),
          WITHIN,
        );
      });

      it('is not sent for a session that resumed within its grace time', async () => {
        const router = stage.router();
        const watch = router.watch();
        const former = await router.register({ ttlMs: 1_000, graceMs: 600_000 });
        const { session } = await eventually(() => router.register(), WITHIN);
        expect(session).not.toBe(former.session);
        await eventually(() => expect(watch.events.at(-1)?.type).toBe('resumed'), WITHIN);
        for (let count = 0; count < BARRIER; count++) await router.rev();
        expect(watch.callbacksOf(former.session)).toEqual([]);
      });
    });
  },
  { env: { MGM_EVENT_RETENTION: String(RETENTION) } },
);

function publishOwner(stage: Stage, { prefix, name }: RawRouter, reply: string): void {
  stage.nats.publish(`${prefix}.${name}.owner`, pack({ ifIndex: 7 }), { reply });
}

/** Counts replies on a subject: messages with a `status`. */
async function repliesOn({ nats }: Stage, subject: string): Promise<() => number> {
  let replies = 0;
  nats.subscribe(subject, {
    callback: (_, { data }) => {
      readReply(data);
      replies++;
    },
  });
  await nats.flush();
  return () => replies;
}
