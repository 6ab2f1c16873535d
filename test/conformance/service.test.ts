import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '@mgm/nats';
import { describe, expect, it } from 'vitest';
import { eventually, skipAmongOthers } from '@mgm/test-support';
import { OPS } from '../support/raw-operations.ts';
import { ok } from '../support/raw-replies.ts';
import { RawRouter } from '../support/raw-client.ts';
import { isUnderAccounts, overReplicas, skipUnderAccounts } from '../support/stage.ts';

/** A prefix that no other test uses, with more tokens than the default. */
const PREFIX = `lab-${randomBytes(6).toString('hex')}.room-7.mgm.v1`;

/** A reply of the NATS services protocol (NATS ADR-32), which is JSON for every service. */
interface ServiceReply {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly endpoints?: readonly { readonly subject: string; readonly queue_group?: string }[];
}

overReplicas((stage, replicas) => {
  describe('the NATS services protocol', () => {
    it.for(['PING', 'INFO', 'STATS'])('$SRV.%s is answered by every manager', async (verb, ctx) => {
      skipAmongOthers(ctx);
      const type = `io.nats.micro.v1.${verb.toLowerCase()}_response`;
      const replies = await eventually(
        async () => {
          const found = await ask(stage.operator, `$SRV.${verb}`, replicas);
          expect(found).toHaveLength(replicas);
          return found;
        },
        { withinMs: 30_000 },
      );
      for (const reply of replies) {
        expect(reply).toMatchObject({ type, name: 'mgm-manager' });
        expect(reply.version).toMatch(/^\d+\.\d+\.\d+/);
      }
      expect(new Set(replies.map(({ id }) => id)).size).toBe(replicas);
    });

    it('replies under the service name and under each instance id', async (ctx) => {
      skipAmongOthers(ctx);
      const found = await ask(stage.operator, '$SRV.PING.mgm-manager', replicas);
      expect(found).toHaveLength(replicas);
      for (const { id } of found) {
        expect(await ask(stage.operator, `$SRV.PING.mgm-manager.${id}`, 1)).toMatchObject([{ id }]);
      }
    });

    it('lists an endpoint for every operation, in the queue group of the managers', async (ctx) => {
      skipAmongOthers(ctx);
      const [info] = await ask(stage.operator, '$SRV.INFO.mgm-manager', 1);
      const endpoints = info?.endpoints ?? [];
      const subjects = endpoints.map(({ subject }) => subject);
      // Under accounts NATS puts the identity of the sender before the subject of its request.
      const root = isUnderAccounts() ? `as.*.${stage.prefix}` : stage.prefix;
      expect(subjects.toSorted()).toEqual(OPS.map((op) => `${root}.*.${op}`).toSorted());
      for (const { queue_group } of endpoints) expect(queue_group).toBe('mgm-manager');
    });
  });

  describe('any manager may reply to a request', () => {
    it('each request gets exactly one reply', async () => {
      const router = stage.router();
      let replies = 0;
      const inbox = `_INBOX.${randomBytes(8).toString('hex')}`;
      const subscription = stage.nats.subscribe(inbox, {
        callback: () => {
          replies += 1;
        },
      });
      for (let count = 0; count < 30; count++) {
        stage.nats.publish(`${stage.prefix}.${router.name}.sessions`, Uint8Array.of(0x80), {
          reply: inbox,
        });
      }
      await eventually(() => expect(replies).toBe(30), { withinMs: 30_000 });
      ok(await router.request('sessions', {}));
      expect(replies).toBe(30);
      subscription.unsubscribe();
    });

    it('a request under another prefix gets 503 from NATS immediately', async (ctx) => {
      skipUnderAccounts(ctx, 'NATS denies workers every other subject');
      const unserved = new RawRouter(stage.nats, 'r', 'nobody.here');
      for (const op of OPS) {
        await expect(unserved.request(op, { ifIndex: 7 })).rejects.toMatchObject({ code: '503' });
      }
    });
  });
});

overReplicas(
  (stage) => {
    it('the prefix is configurable', async () => {
      const router = stage.router();
      expect(router.prefix).toBe(PREFIX);
      using watch = router.watch();
      const client = await router.register();
      ok(await client.take(7));
      await eventually(() => expect(watch.events).toHaveLength(2), { withinMs: 30_000 });
      await eventually(() => expect(watch.heads.length).toBeGreaterThan(0), { withinMs: 30_000 });
    });
  },
  { env: { MGM_PREFIX: PREFIX }, replicas: [1] },
);

overReplicas(
  (stage) => {
    it('a request without any manager gets 503 from NATS immediately', async (ctx) => {
      skipUnderAccounts(ctx, 'nats-server 2.9 sends no 503 to another account');
      const router = stage.router();
      for (const op of OPS) {
        await expect(router.request(op, { ifIndex: 7 })).rejects.toMatchObject({ code: '503' });
      }
    });
  },
  { replicas: [0] },
);

/** Asks all instances of a service and waits for `count` replies. */
async function ask(nats: NatsConnection, subject: string, count: number): Promise<ServiceReply[]> {
  const found: ServiceReply[] = [];
  const inbox = `_INBOX.${randomBytes(8).toString('hex')}`;
  const subscription = nats.subscribe(inbox, {
    callback: (_, message) => {
      if (message.data.length > 0) found.push(message.json<ServiceReply>());
    },
  });
  try {
    nats.publish(subject, undefined, { reply: inbox });
    await eventually(() => expect(found.length).toBeGreaterThanOrEqual(count), {
      withinMs: 30_000,
    });
    return found;
  } finally {
    subscription.unsubscribe();
  }
}
