import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import {
  connect,
  type KeepaliveMeasurement,
  type Measurement,
  type RequestMeasurement,
} from '../src/mod.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();
const SOON = { withinMs: 30_000 };

/** The measurements of a client. */
function kept() {
  const measured: Measurement[] = [];
  const requests = (operation: string): RequestMeasurement[] =>
    measured.filter((one) => one.kind === 'request').filter((one) => one.operation === operation);
  const keepalives = (): KeepaliveMeasurement[] =>
    measured.filter((one) => one.kind === 'keepalive');
  return { onMeasure: (one: Measurement) => void measured.push(one), requests, keepalives };
}

/** A logger that keeps its warnings. */
function warnings() {
  const messages: string[] = [];
  const nothing = (): void => {};
  const warn = (_: object, message: string): void => void messages.push(message);
  const logger = { error: nothing, warn, info: nothing, debug: nothing, trace: nothing };
  return { messages, logger };
}

describe('onMeasure', () => {
  it('is called with the round trip, the duration and the result of each request', async () => {
    const { onMeasure, requests } = kept();
    await using mgm = await stage.client({ onMeasure });
    await using one = await mgm.registerProtocol(pim());
    await using two = await mgm.registerProtocol(pim());
    await one.takeInterfaceOwnership({ ifIndex: 7 });
    const refused = two.takeInterfaceOwnership({ ifIndex: 7 });
    await expect(refused).rejects.toMatchObject({ reason: 'already-owned' });
    const { router } = mgm;
    expect(requests('take')).toMatchObject([
      { router, result: 'ok' },
      { router, result: 'already-owned' },
    ]);
    for (const { roundTripMs = 0, durationMs } of requests('take')) {
      expect(roundTripMs).toBeGreaterThan(0);
      expect(durationMs).toBeGreaterThanOrEqual(roundTripMs);
    }
  });

  it('counts retries, and has no round trip where no manager replied', async () => {
    const { onMeasure, requests } = kept();
    await using mgm = await stage.client({ prefix: 'nobody.listens', deadlineMs: 300, onMeasure });
    const asked = mgm.validateEpoch({ ifIndex: 7, epoch: '1' });
    await expect(asked).rejects.toMatchObject({ reason: 'unavailable' });
    const [failed] = requests('validate');
    expect(failed).toMatchObject({ result: 'unavailable', roundTripMs: undefined });
    expect(failed?.retries).toBeGreaterThan(0);
  });

  it('is called at each keepalive with the margin that the lease had left', async () => {
    const { onMeasure, keepalives } = kept();
    await using mgm = await stage.client({ onMeasure });
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    await eventually(() => expect(keepalives().length).toBeGreaterThan(1), SOON);
    for (const { marginMs, ...others } of keepalives()) {
      const { id } = session;
      expect(others).toEqual({ kind: 'keepalive', router: mgm.router, session: id, ttlMs: 3_000 });
      // A keepalive is sent after about a third of the lease.
      expect(marginMs).toBeGreaterThan(0);
      expect(marginMs).toBeLessThan(2_500);
    }
  });

  const failure = new Error('the hook failed');
  const throws = (): never => {
    throw failure;
  };
  it.each([
    ['throws', throws],
    ['rejects', () => Promise.reject(failure)],
  ])('may fail without harm: one that %s is reported once', async (_, onMeasure) => {
    const { messages, logger } = warnings();
    await using mgm = await stage.client({ onMeasure, logger });
    await using session = await mgm.registerProtocol(pim());
    await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(ownership.isHeld).toBe(true);
    const reports = messages.filter((message) => message.includes('onMeasure'));
    expect(reports).toHaveLength(1);
  });

  it('must be a function', async () => {
    const wrong: unknown = 'log';
    const options = { router: newRouterName(), onMeasure: wrong as () => void };
    const refused = connect({ servers: stage.servers.nats.url, ...options });
    await expect(refused).rejects.toMatchObject({ reason: 'bad-request', field: 'onMeasure' });
  });
});
