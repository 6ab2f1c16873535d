import type { RouterName } from '@mgm/protocol';
import { revisionIn, sharedBy, type EventRun, type Publication } from '@mgm/store';
import type { Logger } from 'pino';

/**
 * Logs each change of a batch once: this replica made it, so no other one does. Interfaces that a session gets or loses
 * one after the other for one cause share a line, so that the end of a large session costs less to tell than to do.
 */
export function logChanges(log: Logger, { router, ts, runs }: Publication): void {
  for (const run of runs) logRun(log, router, run, ts);
}

function logRun(log: Logger, router: RouterName, run: EventRun, at: number): void {
  const { ts: _, type, session, previous, ...shared } = sharedBy(run, at);
  const rest = { ...shared, ...changedIn(run) };
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
    case 'store-reset':
      return log.warn({ router, ...rest }, 'store lost data');
    default:
      return log.info({ router, session, ...rest, to: type }, 'session changed');
  }
}

/** What a line tells of one change: its interface and epoch; of several: the last revision, how many there are, and which. */
function changedIn(run: EventRun): object {
  const { first, epochs, interfaces } = run;
  if (interfaces.length > 1) {
    const names = interfaces.map(({ ifIndex, nextHop }) => `${ifIndex}:${nextHop}`);
    const rev = revisionIn(run, interfaces.length - 1);
    return { rev, count: interfaces.length, interfaces: names };
  }
  const [epoch] = epochs;
  return { rev: first, ...interfaces[0], ...(epoch !== undefined && { epoch }) };
}
