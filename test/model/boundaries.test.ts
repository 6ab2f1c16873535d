import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { PAIRS } from './clients.ts';
import { openManagers, type Managers } from './manager.ts';
import { SideBySide } from './side-by-side.ts';
import type { Pair, Register, Request } from './vocabulary.ts';

/**
 * The instant at which a lease or a grace time ends: a session lives `ttlMs` (section 7), so it lives one millisecond before that
 * instant and is over at it. Only the steps of these tests move the service clock.
 */
const TTL_MS = 60_000;
const GRACE_MS = 30_000;
const [OWNER, , OTHER] = PAIRS;

let redis: RunningServer;
let managers: Managers;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());
beforeEach(async () => {
  managers = await openManagers(redis.url);
});
afterEach(() => managers[Symbol.asyncDispose]());

function registering(pair: Pair | undefined, instance: string, graceMs: number): Register {
  if (!pair) throw new Error('no such client');
  const padded = instance.padStart(16, '-');
  return { kind: 'register', pair, instance: padded, ttlMs: TTL_MS, graceMs, takeover: false };
}

/** Session 1 owns `1:` under epoch 1 for `afterMs`; session 2 is ready to take it. Model and router must agree on the request. */
async function askAfter(afterMs: number, graceMs: number, request: Request): Promise<unknown> {
  const both = new SideBySide(managers, ['1:'], { isFrozen: true });
  await both.ask(0, [registering(OWNER, 'owner', graceMs)]);
  const sequence = { handle: { session: 1 }, seq: 1, ack: 1 };
  await both.ask(0, [{ kind: 'take', ...sequence, on: ['1:'], bulk: false }]);
  await both.passTime(afterMs);
  await both.ask(0, [registering(OTHER, 'other', 0)]);
  const [reply] = await both.ask(1, [request]);
  while (await both.sweep(0));
  await both.ask(1, both.clients.lookAtAll());
  return reply;
}

const OF_OWNER = { handle: { session: 1 }, seq: 2, ack: 1 };
const OF_OTHER = { handle: { session: 2 }, seq: 1, ack: 1 };
const ON = { on: ['1:'], bulk: false };
const LIVE = { status: 0 };
const EXPIRED = { status: 87, reason: 'session-expired' };
const OWNED = { status: 183, reason: 'already-owned' };
const ORDER = { actor: 'operator', why: 'a test' };

const PROBES: readonly (readonly [
  what: string,
  request: Request,
  before: object,
  stale: object,
  over: object,
])[] = [
  ['keepalive', { kind: 'keepalive', handle: { session: 1 } }, LIVE, EXPIRED, EXPIRED],
  ['its take', { kind: 'take', ...OF_OWNER, on: ['2:'], bulk: false }, LIVE, EXPIRED, EXPIRED],
  ['its release', { kind: 'release', ...OF_OWNER, ...ON }, LIVE, EXPIRED, EXPIRED],
  ['its deregister', { kind: 'deregister', ...OF_OWNER, force: true }, LIVE, EXPIRED, EXPIRED],
  [
    'its mailbox',
    { kind: 'mailbox', handle: { session: 1 }, from: 0, limit: 1 },
    LIVE,
    EXPIRED,
    EXPIRED,
  ],
  ["another's take", { kind: 'take', ...OF_OTHER, ...ON }, OWNED, OWNED, LIVE],
  [
    'owner',
    { kind: 'owner', on: '1:' },
    { status: 0, stale: false },
    { status: 0, stale: true },
    { status: 1168 },
  ],
  [
    'validate',
    { kind: 'validate', on: '1:', epoch: 1 },
    LIVE,
    LIVE,
    { status: 87, reason: 'not-owner', current: '0' },
  ],
  [
    'register by another instance',
    registering(OWNER, 'next', 0),
    { status: 183, reason: 'already-registered' },
    { status: 0, resumed: true, owned: 1 },
    { status: 0, resumed: false },
  ],
  [
    'register by the same instance',
    registering(OWNER, 'owner', 0),
    { status: 0, resumed: false },
    { status: 0, resumed: true, owned: 1 },
    { status: 0, resumed: false },
  ],
  ['admin.release', { kind: 'admin.release', on: '1:', ...ORDER }, LIVE, LIVE, { status: 1168 }],
  ['admin.evict', { kind: 'admin.evict', session: 1, ...ORDER }, LIVE, LIVE, { status: 1168 }],
];

describe.each(PROBES)('at the boundary: %s', (_, request, before, stale, over) => {
  it.each([
    ['1 ms before the lease is over', TTL_MS - 1, 0, before],
    ['when the lease is over, without grace', TTL_MS, 0, over],
    ['1 ms before the lease is over, with grace', TTL_MS - 1, GRACE_MS, before],
    ['when the lease is over, with grace', TTL_MS, GRACE_MS, stale],
    ['1 ms before the grace time is over', TTL_MS + GRACE_MS - 1, GRACE_MS, stale],
    ['when the grace time is over', TTL_MS + GRACE_MS, GRACE_MS, over],
  ])('%s', async (_when, afterMs, graceMs, expected) => {
    expect(await askAfter(afterMs, graceMs, request)).toMatchObject(expected);
  });
});
