import { randomBytes } from 'node:crypto';
import { connect } from '@mgm/client';
import { eventually, linkTo, type Managers, natsAccess, startManagers } from '@mgm/test-support';
import { connect as connectNats } from '@mgm/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols, RawRouter } from '../support/raw-client.ts';
import { pack } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker } from './worker-process.ts';

const WITHIN = { withinMs: 30_000 };
/** Key prefix shared by all managers of this file; each has a subject prefix of its own and can be addressed alone. */
const KEYS = `f${randomBytes(6).toString('hex')}`;
const [LEFT, RIGHT] = [`${KEYS}.left`, `${KEYS}.right`];

overReplicas(
  (stage) => {
    describe('a repeated request whose reply was lost', () => {
      it('gets the first reply from another replica', async () => {
        const router = stage.router();
        await using link = await linkTo(stage.servers.nats);
        await using mgm = await connect({
          ...natsAccess(link.url),
          router: router.name,
          prefix: router.prefix,
          timeoutMs: 300,
          deadlineMs: 15_000,
        });
        await using session = await mgm.registerProtocol({
          protocolId: Protocols.pim,
          componentId: 1,
          ttlMs: 30_000,
        });
        link.proxy.dropReplies();
        const take = session.takeInterfaceOwnership({ ifIndex: 7 });
        const owner = await eventually(async () => ok(await router.owner(7)), WITHIN);
        const [executor] = stage.managers.running;
        await stage.managers.add(1);
        await executor?.kill();
        await link.proxy.heal();

        const ownership = await take;
        expect(ownership.epoch).toBe(owner.epoch);
        expect(ownership.isHeld).toBe(true);
        const types = (await router.eventsAfter(0)).map(({ type }) => type);
        expect(types).toEqual(['registered', 'taken']);
      });
    });

    describe('two requests of one client at two replicas', () => {
      let replicas: Managers[] = [];
      beforeAll(async () => {
        const start = (MGM_PREFIX: string): Promise<Managers> =>
          startManagers(1, stage.servers, { MGM_PREFIX, MGM_KEY_PREFIX: KEYS });
        replicas = await Promise.all([start(LEFT), start(RIGHT)]);
      });
      afterAll(() => Promise.all(replicas.map((one) => one[Symbol.asyncDispose]())));

      it('leave the interface free when the release arrives before the take', async () => {
        const { name, nats } = stage.router();
        const [left, right] = [LEFT, RIGHT].map((prefix) => new RawRouter(nats, name, prefix));
        if (!left || !right) throw new Error('there are two replicas');
        const client = await left.register();
        const taking = { handle: client.handle, seq: 1, ack: 1, ifIndex: 7 };
        const releasing = { handle: client.handle, seq: 2, ack: 2, ifIndex: 7 };

        await using link = await linkTo(stage.servers.nats);
        const slow = left.over(await connectNats({ ...natsAccess(link.url), reconnect: false }));
        link.proxy.blackhole('to-server');
        const late = slow.request('take', taking);
        expectRefused(await right.request('release', releasing), 87, 'not-found');
        await link.proxy.heal();

        expectRefused(await late, 87, 'stale-request');
        expectRefused(await right.request('take', taking), 87, 'stale-request');
        for (const replica of [left, right]) {
          expectRefused(await replica.owner(7), 1168, 'not-found');
        }
        const types = (await right.eventsAfter(0)).map(({ type }) => type);
        expect(types).toEqual(['registered']);
        await slow.nats.close();
      });

      it('leave it free in either order, two hundred times', async () => {
        const { name, nats } = stage.router();
        const own = await stage.connect();
        const [left, right] = [new RawRouter(nats, name, LEFT), new RawRouter(own, name, RIGHT)];
        const { handle } = await left.register();
        const orders = { taken: 0, stale: 0 };
        for (let seq = 1; seq <= 400; seq += 2) {
          const releasing = { handle, seq: seq + 1, ack: seq + 1, ifIndex: 7 };
          const [take, release] = await Promise.all([
            left.request('take', { handle, seq, ack: seq, ifIndex: 7 }),
            right.request('release', releasing),
          ]);
          if (take.status === 0) orders.taken += 1;
          else expectRefused(take, 87, 'stale-request');
          if (take.status === 0) ok(release);
          else expectRefused(release, 87, 'not-found');
          if (take.status !== 0) orders.stale += 1;
          expectRefused(await right.owner(7), 1168, 'not-found');
        }
        expect(orders.taken + orders.stale).toBe(200);
        const types = (await right.eventsAfter(0)).map(({ type }) => type);
        expect(types.filter((type) => type === 'taken')).toHaveLength(orders.taken);
        expect(types.filter((type) => type === 'released')).toHaveLength(orders.taken);
      });
    });

    describe('a take that arrives late', () => {
      it.for([
        { what: 'its worker was killed and its lease ran out', takeover: false },
        { what: 'another process took its session over', takeover: true },
      ])('takes nothing after $what', async ({ takeover }) => {
        const router = stage.router();
        using seen = await RequestWatch.of(router);
        await using link = await linkTo(stage.servers.nats);
        const ttlMs = takeover ? 30_000 : 4_000;
        await using worker = await startWorker(router, link.url, { ttlMs });
        link.proxy.blackhole('to-server');
        const sentBefore = worker.notes.length;
        worker.send({ kind: 'take', ifIndex: 8 });
        await eventually(() => {
          const sent = worker.notesOf('sent', sentBefore).map(({ subject }) => subject);
          expect(sent).toContain(`${router.prefix}.${router.name}.take`);
        }, WITHIN);
        await worker.kill();
        const successor = await registerAfter(stage, router, takeover);
        const before = seen.requests.length;
        await link.proxy.heal();

        const late = await eventually(() => {
          const take = seen.requests.slice(before).find(({ op }) => op === 'take');
          if (!take) throw new Error('the late take did not arrive');
          const reply = seen.replyTo(take);
          if (reply === undefined) throw new Error('the late take has no reply');
          return { take, reply };
        }, WITHIN);
        expect(late.take.fields).toMatchObject({ ifIndex: 8 });
        expect(late.reply).toMatchObject({ status: 87, reason: 'session-expired' });
        const again = await router.send('take', pack(late.take.fields));
        expect(again.length).toBeGreaterThan(0);
        expectRefused(await router.owner(8), 1168, 'not-found');
        ok(await successor.take(8));
      });
    });
  },
  { replicas: [1], env: { MGM_KEY_PREFIX: KEYS } },
);

/** Registers the worker's pair as soon as that is possible. */
async function registerAfter(stage: Stage, router: RawRouter, takeover: boolean) {
  return await eventually(() => router.over(stage.nats).register({ takeover }), WITHIN);
}
