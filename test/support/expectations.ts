import { expect } from 'vitest';
import { eventually } from '@mgm/test-support';
import type { Reply, Refusal } from './raw-replies.ts';
import type { RawRouter, RawSession, RawWatch } from './raw-client.ts';

/** Far above any honest delay of a published message. */
const PUSHED_WITHIN_MS = 5_000;

/** Holds a reply to this refusal, and gives it. */
export function expectRefused(
  reply: Reply | { readonly status: number },
  status: Refusal['status'],
  reason: string,
  detail: object = {},
): void {
  expect(reply).toMatchObject({ status, reason, ...detail });
}

/** A dead handle is 87; which of the two reasons is left open where the contract only says "dead" or "refused". */
export function expectDeadHandle(reply: Reply): void {
  expect(reply).toMatchObject({
    status: 87,
    reason: expect.stringMatching(/^(bad-handle|session-expired)$/),
  });
}

/** Waits until exactly what the log has above `rev` was pushed too, each event on the subject of its type. */
export async function expectPushedAfter(
  rev: number,
  router: RawRouter,
  watch: RawWatch,
): Promise<void> {
  const logged = await router.eventsAfter(rev);
  await eventually(() => expect(watch.eventsAfter(rev)).toEqual(logged), {
    withinMs: PUSHED_WITHIN_MS,
  });
  expect(watch.misplaced).toEqual([]);
}

/** Waits until exactly what a session's mailbox holds was pushed to it too. */
export async function expectPushedMailbox(session: RawSession, watch: RawWatch): Promise<void> {
  const kept = await session.mailbox();
  const pushed = (): unknown =>
    watch.callbacksOf(session.session).toSorted((a, b) => a.seq - b.seq);
  await eventually(() => expect(pushed()).toEqual(kept), { withinMs: PUSHED_WITHIN_MS });
}
