import { expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

const RETENTION = 1000;
/** Far more than the retention, so that a log that is trimmed with some slack is trimmed for certain. */
const CHANGES = 4 * RETENTION;

overReplicas(
  (stage) => {
    it('keeps the last events and refuses an older position with the first one kept', async () => {
      const router = await busyRouter(stage);
      const reply = await router.request('events', { from: 0 });
      expectRefused(reply, 1003, 'compacted', { first: expect.any(Number) });
      const first = 'first' in reply ? (reply.first ?? 0) : 0;
      expect(first).toBeGreaterThan(1);
      expect(first).toBeLessThanOrEqual(CHANGES + 1 - RETENTION + 1);
      expectRefused(await router.request('events', { from: first - 2 }), 1003, 'compacted', {
        first,
      });
      const events = await router.eventsAfter(first - 1);
      const all = Array.from({ length: CHANGES + 1 - first + 1 }, (_, at) => first + at);
      expect(events.map(({ rev }) => rev)).toEqual(all);
    });

    it('names the first event kept in events and heads', async () => {
      const router = await busyRouter(stage);
      using watch = router.watch();
      const { first } = ok(await router.request('events', { from: CHANGES }));
      expect(first).toBeGreaterThan(1);
      await eventually(
        () => expect(watch.heads.at(-1)).toMatchObject({ first, rev: CHANGES + 1 }),
        {
          withinMs: 30_000,
        },
      );
    });

    it('lets a watcher resume from the rev of the first page of interfaces', async () => {
      const router = await busyRouter(stage);
      const page = ok(await router.request('interfaces', { limit: 10 }));
      const client = await router.register({ componentId: 2 });
      ok(await client.take(99_999));
      expect(await router.eventsAfter(page.rev)).toMatchObject([
        { rev: page.rev + 1, type: 'registered' },
        { rev: page.rev + 2, type: 'taken', ifIndex: 99_999 },
      ]);
    });
  },
  { env: { MGM_EVENT_RETENTION: String(RETENTION) } },
);

/** A router whose log was given four times the retention, in small steps. */
async function busyRouter(stage: Stage): Promise<RawRouter> {
  const router = stage.router();
  const { handle } = await router.register();
  for (let done = 0; done < CHANGES; done += 200) {
    const some = Array.from({ length: 200 }, (_, at) => {
      const seq = done + at + 1;
      return router.request('take', { handle, seq, ack: done + 1, ifIndex: seq });
    });
    for (const reply of await Promise.all(some)) ok(reply);
  }
  return router;
}
