import { encodeMessage, type RouterName, type Subjects } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import { troubleKind } from './answer.ts';
import type { Figures } from './figures.ts';
import type { KnownRouters } from './known-routers.ts';
import type { Bus } from './nats-connection.ts';
import { forEachAtMost, Rounds } from './rounds.ts';
import type { TroubleLog } from './trouble-log.ts';

/** Routers asked about at the same time. */
const AT_ONCE = 16;
const NATS_WITHIN_MS = 500;
/** Leaves time to ask and to send. */
const SOONER = 0.75;

export interface BeaconParts {
  readonly bus: Pick<Bus, 'reaches' | 'publish'>;
  readonly store: Pick<Store, 'head'>;
  readonly subjects: Subjects;
  readonly routers: KnownRouters;
  readonly trouble: TroubleLog;
  readonly figures: Figures;
  readonly everyMs: number;
}

/** Sends `head` for each router with live sessions, at least once in `everyMs`. Wire contract section 1. */
export function startBeacon(parts: BeaconParts): Rounds {
  return new Rounds({
    everyMs: parts.everyMs * SOONER,
    round: async (signal) => {
      // Asking tells the store's clock that a manager serves; see the sweeper.
      if (!(await parts.bus.reaches(NATS_WITHIN_MS))) return;
      const routers = parts.routers.names();
      await forEachAtMost(AT_ONCE, routers, signal, (router) => sendHead(parts, router));
    },
    onError: (error) => parts.trouble.note('head', { err: error }, 'head not sent'),
  });
}

async function sendHead(parts: BeaconParts, router: RouterName): Promise<void> {
  const { bus, store, subjects, routers, trouble, figures } = parts;
  try {
    const { head, sessions } = await store.head(router);
    routers.answered(router, head.rev);
    if (sessions === 0) return;
    bus.publish(subjects.head(router), encodeMessage(head));
    figures.heads++;
  } catch (error) {
    const kind = troubleKind(error);
    if (kind !== undefined) trouble.note(`head ${kind}`, { router, err: error }, 'head not sent');
  }
}
