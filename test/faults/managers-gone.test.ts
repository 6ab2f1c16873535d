import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { overReplicas } from '../support/stage.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker } from './worker-process.ts';
import { machineMonoMs } from './worker-talk.ts';

const WITHIN = { withinMs: 30_000 };
const TTL_MS = 3_000;
const OUTAGE_MS = 1.2 * TTL_MS;
/** A killed manager may have promised to serve for two more sweep intervals. */
const PROMISE_MS = 500;

overReplicas(
  (stage) => {
    describe('all managers killed for longer than a lease', () => {
      it('costs no live worker its interface, and a dead one expires within a lease of the restart', async () => {
        const router = stage.router();
        using seen = await RequestWatch.of(router);
        const raw = await router.register({
          protocolId: Protocols.dvmrp,
          name: 'raw',
          ttlMs: TTL_MS,
        });
        const held = ok(await raw.take(1));
        await using _renewing = renewing(raw);
        const { url } = stage.servers.nats;
        await using lasting = await startWorker(router, url, {
          ttlMs: TTL_MS,
          interfaces: [2],
        });
        await using dying = await startWorker(router, url, {
          ttlMs: TTL_MS,
          componentId: 2,
          interfaces: [3],
        });
        const rev = await router.rev();

        const killedMono = machineMonoMs();
        await stage.managers.killAll();
        const renewedMono = lastRenewal(seen, killedMono);
        await dying.kill();
        await passes(OUTAGE_MS, killedMono);
        const backTs = Date.now();
        // The leases run again from this one on; another one that starts late on a busy machine must not be waited for.
        await stage.managers.add(1);
        const readyTs = Date.now();

        const rival = await router.register({ protocolId: Protocols.dvmrp, componentId: 2 });
        const refused = ok(
          await rival.takeAll([
            [1, ''],
            [2, ''],
            [3, ''],
          ]),
        ).results;
        expect(refused.map(({ reason }) => reason)).toEqual(Array(3).fill('already-owned'));
        await stage.managers.add(1);
        const { regained, missing } = await lasting.told('recovered');
        expect(missing).toEqual([]);
        expect(regained).toHaveLength(1);
        const expired = await eventually(() => eventNamed(router, rev, 'expired'), WITHIN);

        expect(expired).toMatchObject({ session: dying.session });
        const servedMs = killedMono - renewedMono + PROMISE_MS;
        expect(expired.ts - backTs).toBeGreaterThanOrEqual(TTL_MS - servedMs);
        expect(expired.ts - readyTs).toBeLessThan(3 * TTL_MS);
        ok(await raw.keepalive());
        expect(ok(await router.owner(1))).toMatchObject({ name: 'raw', epoch: held.epoch });
        expect(ok(await router.owner(2))).toMatchObject({ epoch: regained[0]?.epoch });
        const told = (await router.eventsAfter(rev)).map(({ type, ifIndex }) => [type, ifIndex]);
        expect(told.filter(([, ifIndex]) => ifIndex !== undefined)).toEqual([['released', 3]]);
        for (const type of ['resumed', 'expired']) {
          expect(told.filter(([one]) => one === type)).toHaveLength(1);
        }
      });
    });
  },
  { replicas: [2] },
);

/** Sends keepalives for a raw session, with or without replies, until disposed. */
function renewing(session: RawSession): AsyncDisposable {
  const timer = setInterval(() => void session.keepalive().catch(() => {}), TTL_MS / 5);
  return { [Symbol.asyncDispose]: async () => clearInterval(timer) };
}

/** The latest possible time of the last renewal by the worker on interface 3. */
function lastRenewal(seen: RequestWatch, beforeMono: number): number {
  const register = seen.requests.findLast(({ op }) => op === 'register');
  const keepalives = seen
    .under(seen.handleThatTook(3))
    .filter(({ op, mono }) => op === 'keepalive' && mono < beforeMono);
  const last = keepalives.at(-1) ?? register;
  if (!last) throw new Error('the worker has not registered');
  return last.mono;
}

async function passes(ms: number, sinceMono: number): Promise<void> {
  await eventually(() => expect(machineMonoMs() - sinceMono).toBeGreaterThan(ms), WITHIN);
}

async function eventNamed(router: RawRouter, rev: number, type: string) {
  const found = (await router.eventsAfter(rev)).find((event) => event.type === type);
  if (!found) throw new Error(`no event "${type}"`);
  return found;
}
