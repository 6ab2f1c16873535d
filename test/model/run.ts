import type { Managers } from './manager.ts';
import { SideBySide } from './side-by-side.ts';
import type { Turn } from './steps.ts';
import type { InterfaceName } from './vocabulary.ts';

/** Far more slices than a run needs. */
const SLICES_MAX = 100;
/** The number of an ended session is remembered for at least a minute (section 3). */
const REMEMBERED_MS = 60_000;
const ORDER = { actor: 'operator', why: 'the end of the run' };

/**
 * Plays turns on a router of their own, then ends all sessions and checks the keys that remain. Rejects at the first
 * difference between router and model, with the whole story.
 */
export async function play(
  managers: Managers,
  interfaces: readonly InterfaceName[],
  turns: readonly Turn[],
): Promise<void> {
  const both = new SideBySide(managers, interfaces);
  try {
    for (const turn of turns) await playOne(both, turn);
    await end(both);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    const story = both.story.join('\n');
    const message = `${problem}\n\nsessions and epochs by the model's numbers:\n${story}\n`;
    throw new Error(message, { cause });
  }
}

async function playOne(both: SideBySide, { replica, what, look }: Turn): Promise<void> {
  for (let minute = 0; what.kind === 'pass' && minute < what.minutes; minute++) {
    await both.passTime(60_000);
    await both.ask(
      replica,
      what.going.map((client) => both.clients.goOn(client)),
    );
  }
  if (what.kind === 'sweep') await both.sweep(replica);
  if (what.kind === 'steps') {
    const requests = what.steps.map((step) => both.clients.request(step));
    await both.ask(
      replica,
      requests.filter((one) => one !== undefined),
    );
  }
  if (look) await both.ask(replica, both.clients.look());
}

async function end(both: SideBySide): Promise<void> {
  await sweepAll(both);
  await both.ask(0, both.clients.lookAtAll());
  await compareRemembered(both);
  const present = both.model.sessions.filter(({ state }) => state !== 'over');
  await both.ask(
    0,
    present.map(({ number }) => ({ kind: 'admin.evict', session: number, ...ORDER })),
  );
  await sweepAll(both);
  await both.ask(1, both.clients.look());
  await compareLeft(both);
}

async function sweepAll(both: SideBySide): Promise<void> {
  for (let slice = 0; slice < SLICES_MAX; slice++) {
    if (!(await both.sweep(slice))) return;
  }
  throw new Error(`still more to sweep after ${SLICES_MAX} slices`);
}

/** Exactly the replies from `ack` on are kept for each present client. */
async function compareRemembered({ router, model }: SideBySide): Promise<void> {
  const present = model.sessions.filter(({ state }) => state !== 'over');
  const expected = present.reduce((sum, { replies }) => sum + replies.size, 0);
  let found = 0;
  for (const [key, keptForMs] of await router.keys()) {
    if (key.startsWith('client:') && keptForMs < 0) found += await router.answersIn(key);
  }
  if (found !== expected)
    throw new Error(`${found} replies are kept, ${expected} are in the windows`);
}

/** Without sessions the two logs, the state of the router and, for some time, the ended clients remain. */
async function compareLeft({ router, model }: SideBySide): Promise<void> {
  const left = await router.keys();
  const clients = [...left].filter(([key]) => key.startsWith('client:'));
  for (const [key, keptForMs] of clients) {
    if (keptForMs < REMEMBERED_MS) throw new Error(`${key} is kept for ${keptForMs} ms`);
  }
  const others = [...left.keys()].filter(
    (key) => !/^(client:\d+|meta|events|operator-log)$/.test(key),
  );
  if (others.length > 0) throw new Error(`not deleted: ${others.join(', ')}`);
  if (clients.length > model.sessions.length) throw new Error(`${clients.length} clients are left`);
}
