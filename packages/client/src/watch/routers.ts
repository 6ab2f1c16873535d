import { MgmError } from '../errors.ts';
import { pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { decodeHead } from '../rpc/messages.ts';
import { connectionClosed } from '../rpc/transport.ts';

/** A router with live sessions. */
export interface RouterSummary {
  readonly router: string;
  /** Its last revision. */
  readonly rev: number;
  /** The id of its event log. */
  readonly log: string;
}

/** How long to collect heads. */
export interface RoutersOptions {
  /** In ms: 1 to 60000, default 1500. Managers publish the head of such a router at least once a second. */
  readonly withinMs?: number | undefined;
  /** Aborts the call: it rejects with `MgmError` `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

const WITHIN_MS = 1_500;
const LONGEST_MS = 60_000;

/** Collects the heads of all routers. */
export async function listRouters(
  { transport, subjects, clock }: Context,
  { withinMs = WITHIN_MS, signal }: RoutersOptions = {},
): Promise<RouterSummary[]> {
  if (!(withinMs >= 1 && withinMs <= LONGEST_MS)) {
    const message = `withinMs: must be 1 to ${LONGEST_MS} ms`;
    throw new MgmError(message, { reason: 'bad-request', outcome: 'not-done', field: 'withinMs' });
  }
  if (transport.state === 'closed') throw connectionClosed();
  const found = new Map<string, RouterSummary>();
  const over = new AbortController();
  let isForbidden = false;
  const subject = subjects.allHeads;
  const ends = [
    transport.subscribe(subject, ({ subject: of, data }) => {
      const [router, head] = [subjects.routerOf(of), decodeHead(data)];
      if (router && head) found.set(router, { router, rev: head.rev, log: head.log });
    }),
    transport.listen({
      onState: (state) => state === 'closed' && over.abort(),
      onForbidden: (operation, forbidden) => {
        if (operation !== 'subscription' || forbidden !== subject) return;
        isForbidden = true;
        over.abort();
      },
    }),
  ];
  try {
    await pause(clock, withinMs, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]));
  } finally {
    for (const end of ends) end();
  }
  if (isForbidden)
    throw failure('not-permitted', `NATS does not let this user subscribe to ${subject}`);
  if (over.signal.aborted) throw connectionClosed();
  if (signal?.aborted) throw failure('aborted', 'listing routers was aborted by its caller');
  return [...found.values()].toSorted((a, b) => a.router.localeCompare(b.router));
}

function failure(reason: 'not-permitted' | 'aborted', message: string): MgmError {
  return new MgmError(message, { reason, outcome: 'not-done' });
}
