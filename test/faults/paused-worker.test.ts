import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import type { Op } from '../support/raw-operations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import type { Fields } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker } from './worker-process.ts';

const WITHIN = { withinMs: 30_000 };

/** A worker that acts for interface 7, and a rival that waits for it. */
async function begin(stage: Stage) {
  await using starting = new AsyncDisposableStack();
  const router = stage.router();
  const seen = starting.use(await RequestWatch.of(router));
  const worker = starting.use(
    await startWorker(router, stage.servers.nats.url, { actEveryMs: 20, reregister: false }),
  );
  const rival = await router.register({ protocolId: Protocols.dvmrp, name: 'rival' });
  const epoch = worker.epochs.get(7) ?? '';
  await eventually(() => expect(seen.acts).toContain(epoch), WITHIN);
  const take = seen.requests.find(({ op }) => op === 'take');
  const handle = String(take?.fields['handle']);
  const scope = starting.move();
  const asyncDispose = (): Promise<void> => scope.disposeAsync();
  return { router, seen, worker, rival, epoch, handle, take, [Symbol.asyncDispose]: asyncDispose };
}

type Scene = Awaited<ReturnType<typeof begin>>;

/** Resolves when the rival has the interface, after the lease is over. */
async function rivalTakes({ rival }: Scene): Promise<string> {
  return await eventually(async () => ok(await rival.take(7)).epoch, WITHIN);
}

const WAYS = [
  { how: 'stopped by SIGSTOP', kind: 'stop' },
  { how: 'whose thread hung', kind: 'hang' },
] as const;

overReplicas(
  (stage) => {
    describe('a worker past its lease', () => {
      it.concurrent.for(WAYS)(
        '$how notices the loss before it sends anything',
        async ({ kind }) => {
          await using scene = await begin(stage);
          const { worker, seen, router, handle } = scene;
          await worker.tell({ kind }, 'stopping');
          const epoch = await rivalTakes(scene);
          expect(worker.notes.at(-1)?.kind).toBe('stopping');
          const [noted, requests] = [worker.notes.length, seen.requests.length];
          const acts = seen.acts.length;
          worker.goOn();

          expect(await worker.told('aborted', noted)).toMatchObject({ epoch: scene.epoch });
          await worker.told('ended', noted);
          expect(await worker.tell({ kind: 'take', ifIndex: 8 }, 'refused')).toMatchObject({
            reason: 'session-lost',
          });
          expect(await worker.tell({ kind: 'release', ifIndex: 7 }, 'refused')).toMatchObject({
            reason: 'session-lost',
          });
          await worker.tell({ kind: 'flush' }, 'flushed');
          await router.nats.flush();
          expect(worker.notesOf('sent', noted)).toEqual([]);
          expect(seen.under(handle, requests)).toEqual([]);
          expect(seen.acts.slice(acts)).toEqual([]);
          expect(ok(await router.owner(7))).toMatchObject({ name: 'rival', epoch });
        },
      );

      it.concurrent('gets a refusal for each late request', async () => {
        await using scene = await begin(stage);
        const { worker, router, handle, take } = scene;
        await worker.tell({ kind: 'stop' }, 'stopping');
        const current = await rivalTakes(scene);
        const rev = await router.rev();
        const late = { handle, seq: 2, ack: 2 };
        const requests: readonly [Op, Fields][] = [
          ['keepalive', { handle }],
          ['take', { ...take?.fields }],
          ['take', { ...late, ifIndex: 7 }],
          ['take', { ...late, seq: 3, ifIndex: 8 }],
          ['take', { ...late, seq: 4, interfaces: [[8, '']] }],
          ['release', { ...late, seq: 5, ifIndex: 7 }],
          ['release', { ...late, seq: 6, ifIndex: 7, epoch: scene.epoch }],
          ['mailbox', { handle, from: 0 }],
          ['deregister', { ...late, seq: 7, force: true }],
        ];
        for (const [op, fields] of requests) {
          expectRefused(await router.request(op, fields), 87, 'session-expired');
        }
        const validated = await router.request('validate', { ifIndex: 7, epoch: scene.epoch });
        expectRefused(validated, 87, 'not-owner', { current });
        expect(BigInt(current)).toBeGreaterThan(BigInt(scene.epoch));
        expect(ok(await router.owner(7))).toMatchObject({ name: 'rival', epoch: current });
        expectRefused(await router.owner(8), 1168, 'not-found');
        expect(await router.rev()).toBe(rev);
      });
    });
  },
  { replicas: [2] },
);
