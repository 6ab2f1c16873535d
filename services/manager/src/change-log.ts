import type { EventMessage, RouterName } from '@mgm/protocol';
import type { Publication } from '@mgm/store';
import type { Logger } from 'pino';

/** Logs each change of a batch once: this replica made it, so no other one does. */
export function logChanges(log: Logger, { router, events }: Publication): void {
  for (const event of events) logChange(log, router, event);
}

function logChange(log: Logger, router: RouterName, event: EventMessage): void {
  const { type, ts: _, session, previous, ...rest } = event;
  switch (type) {
    case 'taken':
      return log.info({ router, to: session, ...rest }, 'owner changed');
    case 'released':
      return log.info({ router, from: session, ...rest }, 'owner changed');
    case 'igmp-taken':
      return log.info({ router, to: session, ...rest }, 'igmp changed');
    case 'igmp-released':
      return log.info({ router, from: session, ...rest }, 'igmp changed');
    case 'resumed':
      return log.info({ router, from: previous, to: session, ...rest }, 'interfaces inherited');
    case 'registered':
    case 'deregistered':
    case 'stale':
    case 'expired':
    case 'evicted':
      return log.info({ router, session, ...rest, to: type }, 'session changed');
    case 'store-reset':
      return log.warn({ router, ...rest }, 'store lost data');
  }
}
