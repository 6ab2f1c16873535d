import { expect } from 'vitest';
import { eventually } from '@mgm/test-support';
import type { Reply, Refusal } from './raw-replies.ts';
import type { RawRouter, RawSession, RawWatch } from './raw-client.ts';

/** Far above the delay of any published message. */
const PUSHED_WITHIN_MS = 30_000;

/** Expects a reply to be this refusal. */
export function expectRefused(
  reply: Reply | { readonly status: number },
  status: Refusal['status'],
  reason: string,
  detail: object = {},
): void {
  expect(reply).toMatchObject({ status, reason, ...detail });
}

/** Expects a refusal for a dead handle. Where the contract says only "dead" or "refused", both reasons are allowed. */
export function expectDeadHandle(reply: Reply): void {
  expect(reply).toMatchObject({
    status: 87,
    reason: expect.stringMatching(/^(bad-handle|session-expired)$/),
  });
}

/** Waits until the pushed events above `rev` equal the logged ones, each on the subject of its type. */
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

/** Waits until the callbacks pushed to a session equal those in its mailbox. */
export async function expectPushedMailbox(session: RawSession, watch: RawWatch): Promise<void> {
  const kept = await session.mailbox();
  const pushed = (): unknown =>
    watch.callbacksOf(session.session).toSorted((a, b) => a.seq - b.seq);
  await eventually(() => expect(pushed()).toEqual(kept), { withinMs: PUSHED_WITHIN_MS });
}
