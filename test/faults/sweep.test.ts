import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { expectPushedAfter, expectRefused } from '../support/expectations.ts';
import type { EventMessage } from '../support/raw-operations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';
import { startWorker } from './worker-process.ts';

const WITHIN = { withinMs: 30_000 };
const MANY = 3_000;

const typesOf = (events: readonly EventMessage[]): string[] => events.map(({ type }) => type);

overReplicas(
  (stage) => {
    describe.concurrent('a worker that crashed', () => {
      it('with thousands of interfaces is swept once by all replicas together', async () => {
        const router = stage.router();
        using watch = router.watch();
        const interfaces = Array.from({ length: MANY }, (_, at) => at + 1);
        await using worker = await startWorker(router, stage.servers.nats.url, { interfaces });
        const rev = await router.rev();
        await worker.kill();
        await eventually(() => expect(watch.eventsAfter(rev).length).toBeGreaterThan(MANY), WITHIN);

        // The rival's take is logged later: the events of the session's end precede it.
        const rival = await router.register({ protocolId: Protocols.dvmrp });
        const marker = ok(await rival.take(1));
        const log = await router.eventsAfter(rev);
        expect(typesOf(log.slice(0, 1))).toEqual(['expired']);
        expect(typesOf(log.slice(1 + MANY))).toEqual(['registered', 'taken']);
        expect(log.at(-1)?.rev).toBe(marker.rev);
        const released = log.slice(1, 1 + MANY);
        expect(new Set(released.map(({ ifIndex }) => ifIndex))).toEqual(new Set(interfaces));
        for (const event of released) {
          const epoch = worker.epochs.get(event.ifIndex ?? 0);
          expect(event).toMatchObject({ type: 'released', cause: 'expire', epoch });
        }
        await expectPushedAfter(rev, router, watch);
      });

      it('and crashes again after it resumed gets a new grace time and is swept once', async () => {
        const router = stage.router();
        // The second process starts within the grace time, also on a busy machine.
        const [ttlMs, graceMs] = [4_000, 10_000];
        const options = { ttlMs, graceMs, interfaces: [7, 8, 9] };
        await using first = await startWorker(router, stage.servers.nats.url, options);
        await first.kill();
        await eventually(
          async () => expect(typesOf(await router.eventsAfter(0))).toContain('stale'),
          WITHIN,
        );
        await using second = await startWorker(router, stage.servers.nats.url, {
          ...options,
          interfaces: [],
        });
        await second.kill();
        expect(second.notesOf('holding')).toMatchObject([{ resumed: true }]);
        expect([...second.epochs.keys()].toSorted()).toEqual([7, 8, 9]);

        const rival = await router.register({ protocolId: Protocols.dvmrp, name: 'rival' });
        const waiting = await rival.take(7);
        expectRefused(waiting, 183, 'already-owned', { holder: { session: second.session } });
        const { epoch } = await eventually(async () => ok(await rival.take(7)), WITHIN);
        const log = await eventually(async () => {
          const events = await router.eventsAfter(0);
          expect(events.filter(({ type }) => type === 'released')).toHaveLength(3);
          return events;
        }, WITHIN);
        const ours = log.filter(({ session }) => session !== rival.session);
        expect(typesOf(ours)).toEqual([
          'registered',
          ...['taken', 'taken', 'taken'],
          'stale',
          'resumed',
          'stale',
          'expired',
          ...['released', 'released', 'released'],
        ]);
        const tsOf = (type: string): number => ours.find((event) => event.type === type)?.ts ?? 0;
        expect(tsOf('expired') - tsOf('resumed')).toBeGreaterThanOrEqual(ttlMs + graceMs);
        expect(BigInt(epoch)).toBeGreaterThan(BigInt(second.epochs.get(7) ?? 0));
        for (const manager of stage.managers.running) {
          expect(manager.output()).not.toMatch(/"level":("error"|[56]0)/);
        }
      });
    });
  },
  { replicas: [3] },
);
