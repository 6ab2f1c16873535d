import { encodeMessage, type RouterName, type Subjects } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import type { Bus } from './bus.ts';
import type { Metrics } from './health/metrics.ts';
import type { TroubleLog } from './log.ts';
import { troubleKind } from './refusals.ts';
import type { Routers } from './routers.ts';
import { forEachConcurrently, Rounds } from './rounds.ts';

/** Routers read at the same time. */
const CONCURRENCY = 16;
const PROBE_TIMEOUT_MS = 500;
/** Part of the interval; the rest is for reading and sending. */
const INTERVAL_PART = 0.75;

export interface HeadsParts {
  readonly bus: Pick<Bus, 'reaches' | 'publish'>;
  readonly store: Pick<Store, 'head'>;
  readonly subjects: Subjects;
  readonly routers: Routers;
  readonly trouble: TroubleLog;
  readonly metrics: Metrics;
  readonly everyMs: number;
}

/**
 * Publishes `head` for each router with live sessions, or with withdrawn memberships, at least once in `everyMs`. Wire
 * protocol, section 1; membership contract, section 6.
 */
export function startHeads(parts: HeadsParts): Rounds {
  return new Rounds({
    everyMs: parts.everyMs * INTERVAL_PART,
    round: async (signal) => {
      // A read advances the service clock, which must stand still while NATS is unreachable; see the sweeper.
      if (!(await parts.bus.reaches(PROBE_TIMEOUT_MS))) return;
      const routers = parts.routers.names();
      await forEachConcurrently(CONCURRENCY, routers, signal, (router) => sendHead(parts, router));
    },
    onError: (error) => parts.trouble.note('head', { err: error }, 'head not sent'),
  });
}

async function sendHead(parts: HeadsParts, router: RouterName): Promise<void> {
  const { bus, store, subjects, routers, trouble, metrics } = parts;
  try {
    const { head, sessions, dueInMs } = await store.head(router);
    routers.sawHead(router, head.rev, dueInMs);
    if (sessions === 0 && head.settled === head.rev) return;
    bus.publish(subjects.head(router), encodeMessage(head));
    metrics.heads.inc();
  } catch (error) {
    const kind = troubleKind(error);
    if (kind !== undefined) trouble.note(`head ${kind}`, { router, err: error }, 'head not sent');
  }
}
