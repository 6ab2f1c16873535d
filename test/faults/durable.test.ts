import { eventually, notBreakable } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import type { RawSession } from '../support/raw-client.ts';
import { startWorld } from './own-servers.ts';

const WITHIN = { withinMs: 30_000 };
const SESSIONS = 8;
/** Interfaces that each session takes and releases in turn. */
const OWN = 5;

/** What one session was told, and the one request that it was not told the end of. */
interface Told {
  readonly session: RawSession;
  /** Interface to epoch. */
  readonly owned: Map<number, string>;
  answered: number;
  unanswered: { readonly op: 'take' | 'release'; readonly fields: TakeFields } | undefined;
}

type TakeFields = ReturnType<RawSession['next']> & { readonly ifIndex: number };

/** Takes and releases until it is not answered. */
async function workUntilItBreaks(told: Told, first: number): Promise<void> {
  const { session, owned } = told;
  for (let turn = 0; ; turn++) {
    const ifIndex = first + (turn % OWN);
    const op = owned.has(ifIndex) ? 'release' : 'take';
    const fields = { ...session.next(), ifIndex };
    told.unanswered = { op, fields };
    if (!(await settle(told))) return;
    told.answered++;
  }
}

/** Asks for what is not known; whether it is known now. */
async function settle(told: Told): Promise<boolean> {
  const { session, owned, unanswered } = told;
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
  told.unanswered = undefined;
  return true;
}

describe('durable', () => {
  it('loses nothing that was answered when everything is killed under full load', async (context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld({
      redis: { appendonly: true },
      managers: 2,
      env: { MGM_DURABILITY: 'durable' },
    });
    const { router, servers, managers } = world;
    const all: Told[] = [];
    for (let componentId = 1; componentId <= SESSIONS; componentId++) {
      const session = await router.register({ componentId });
      all.push({ session, owned: new Map(), answered: 0, unanswered: undefined });
    }
    const working = all.map((told, at) => workUntilItBreaks(told, 1 + at * OWN));
    const enough = 200 + Math.floor(Math.random() * 400);
    const answered = () => all.reduce((sum, told) => sum + told.answered, 0);
    await eventually(() => expect(answered()).toBeGreaterThan(enough), WITHIN);
    await Promise.all([servers.redis.kill(), managers.killAll()]);
    await Promise.all(working);
    await context.annotate(`killed after ${answered()} replies`);
    await servers.redis.start();
    await managers.add(2);

    // What was under way is found out by its number; what was answered must be there, and nothing else.
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
