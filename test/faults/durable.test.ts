import { eventually, notBreakable } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import type { RawSession } from '../support/raw-client.ts';
import { startWorld } from './own-servers.ts';

const WITHIN = { withinMs: 30_000 };
const SESSIONS = 8;
/** Number of interfaces that each session takes and releases in turn. */
const OWN = 5;

/** The confirmed state of one session, and its one request without a reply. */
interface Confirmed {
  readonly session: RawSession;
  /** Interface to epoch. */
  readonly owned: Map<number, string>;
  answered: number;
  unanswered: { readonly op: 'take' | 'release'; readonly fields: TakeFields } | undefined;
}

type TakeFields = ReturnType<RawSession['next']> & { readonly ifIndex: number };

/** Takes and releases until a request gets no reply. */
async function workUntilItBreaks(confirmed: Confirmed, first: number): Promise<void> {
  const { session, owned } = confirmed;
  for (let turn = 0; ; turn++) {
    const ifIndex = first + (turn % OWN);
    const op = owned.has(ifIndex) ? 'release' : 'take';
    const fields = { ...session.next(), ifIndex };
    confirmed.unanswered = { op, fields };
    if (!(await settle(confirmed))) return;
    confirmed.answered++;
  }
}

/** Repeats the unanswered request; returns whether its outcome is known now. */
async function settle(confirmed: Confirmed): Promise<boolean> {
  const { session, owned, unanswered } = confirmed;
  if (unanswered === undefined) return true;
  const { op, fields } = unanswered;
  try {
    const reply = await session.router.request(op, fields);
    if (reply.status !== 0) return false;
    if (op === 'release') owned.delete(fields.ifIndex);
    else owned.set(fields.ifIndex, String((reply as { epoch?: string }).epoch));
  } catch {
    return false;
  }
  confirmed.unanswered = undefined;
  return true;
}

describe('durable', () => {
  it('loses no confirmed change when Redis and all managers are killed under full load', async (context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld({
      redis: { appendonly: true },
      managers: 2,
      env: { MGM_DURABILITY: 'durable' },
    });
    const { router, servers, managers } = world;
    const all: Confirmed[] = [];
    for (let componentId = 1; componentId <= SESSIONS; componentId++) {
      const session = await router.register({ componentId });
      all.push({ session, owned: new Map(), answered: 0, unanswered: undefined });
    }
    const working = all.map((one, at) => workUntilItBreaks(one, 1 + at * OWN));
    const enough = 200 + Math.floor(Math.random() * 400);
    const answered = () => all.reduce((sum, one) => sum + one.answered, 0);
    await eventually(() => expect(answered()).toBeGreaterThan(enough), WITHIN);
    await Promise.all([servers.redis.kill(), managers.killAll()]);
    await Promise.all(working);
    await context.annotate(`killed after ${answered()} replies`);
    await servers.redis.start();
    await managers.add(2);

    // Repeating a pending request tells its outcome. Confirmed changes must be there, and no others.
    await eventually(async () => {
      const known = await Promise.all(all.map(settle));
      expect(known).not.toContain(false);
    }, WITHIN);
    const { items } = ok(await router.request('interfaces', { limit: 1000 }));
    const owned = all.flatMap(({ session, owned: some }) =>
      [...some].map(([ifIndex, epoch]) => [session.session, ifIndex, epoch] as const),
    );
    const found = items.map(({ session, ifIndex, epoch }) => [session, ifIndex, epoch] as const);
    expect(new Set(found.map(String))).toEqual(new Set(owned.map(String)));
    const changes = (await router.eventsAfter(0)).filter(({ type }) => type !== 'registered');
    expect(changes.length).toBeGreaterThanOrEqual(answered());
    expect(new Set(changes.map(({ type }) => type))).toEqual(new Set(['taken', 'released']));
  });
});
