import { eventually, notBreakable } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { startWorld } from './own-servers.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker } from './worker-process.ts';
import { actSubject, machineMonoMs } from './worker-talk.ts';

const WITHIN = { withinMs: 30_000 };
const TTL_MS = 3_000;
/** Longer than a lease and the half second for which a manager may have promised to serve. */
const OUTAGE_MS = 1.7 * TTL_MS;

describe('while NATS is unreachable', () => {
  it.concurrent.for(['paused', 'killed'] as const)(
    '(%s) a worker stops at its deadline, before its interface is granted to another client',
    async (how, context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      await using world = await startWorld();
      const { servers, router } = world;
      using seen = await RequestWatch.of(router);
      await using worker = await startWorker(router, servers.nats.url, {
        ttlMs: TTL_MS,
        actEveryMs: 20,
        reregister: false,
      });
      await eventually(() => expect(seen.acts.length).toBeGreaterThan(0), WITHIN);
      const told = worker.notes.length;
      const goneMono = machineMonoMs();
      if (how === 'paused') await servers.nats.pause();
      else await servers.nats.kill();
      // NATS returns when the lease is over on every clock, whether or not the worker has noticed.
      await eventually(() => expect(machineMonoMs() - goneMono).toBeGreaterThan(OUTAGE_MS), WITHIN);
      const backMono = machineMonoMs();
      if (how === 'paused') await servers.nats.resume();
      else await servers.nats.start();
      const back = await world.again();
      const rival = await eventually(
        () => back.register({ protocolId: Protocols.dvmrp, name: 'rival' }),
        WITHIN,
      );
      const granted = await eventually(async () => {
        const askedMono = machineMonoMs();
        return { ...ok(await rival.take(7)), askedMono };
      }, WITHIN);

      const aborted = await worker.told('aborted', told);
      expect(aborted).toMatchObject({ ifIndex: 7, epoch: worker.epochs.get(7) });
      expect(aborted.mono).toBeLessThan(backMono);
      expect(aborted.mono).toBeLessThan(granted.askedMono);
      expect(worker.notesOf('lost', told)).toMatchObject([{ cause: 'deadline' }]);
      const after = worker.notes.slice(worker.notes.indexOf(aborted));
      const acts = { kind: 'sent', subject: actSubject(router.name) };
      expect(after).not.toContainEqual(expect.objectContaining(acts));
      expect(ok(await back.owner(7))).toMatchObject({ name: 'rival', epoch: granted.epoch });
    },
  );

  it.concurrent('a lease does not run, since it cannot be renewed', async (context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld();
    const session = await world.router.register({ ttlMs: TTL_MS });
    const { epoch } = ok(await session.take(7));
    await world.servers.nats.pause();
    const pausedMono = machineMonoMs();
    await eventually(() => expect(machineMonoMs() - pausedMono).toBeGreaterThan(OUTAGE_MS), WITHIN);
    await world.servers.nats.resume();
    const back = await world.again();
    // Managers may need longer than this client to reconnect; until then NATS has no responders.
    await eventually(
      async () => ok(await back.request('keepalive', { handle: session.handle })),
      WITHIN,
    );
    expect(ok(await back.owner(7))).toMatchObject({ epoch });
  });
});
