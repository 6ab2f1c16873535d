import type { RouterName } from '@mgm/protocol';
import type { EventRun, Publication } from '@mgm/store';
import type { Logger } from 'pino';

/**
 * Logs each change of a batch once: this replica made it, so no other one does. Interfaces that a session gets or loses
 * one after the other for one cause share a line, so that the end of a large session costs less to tell than to do.
 */
export function logChanges(log: Logger, { router, runs }: Publication): void {
  for (const run of runs) logRun(log, router, run);
}

function logRun(log: Logger, router: RouterName, run: EventRun): void {
  const { type, session } = run;
  const rest = toldOf(run);
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
      return log.info({ router, from: run.previous, to: session, ...rest }, 'interfaces inherited');
    case 'store-reset':
      return log.warn({ router, ...rest }, 'store lost data');
    default:
      return log.info({ router, session, ...rest, to: type }, 'session changed');
  }
}

/** What a line tells of a run: of one change its interface and epoch; of several the last revision, how many, and which. */
function toldOf(run: EventRun): object {
  const { first, session, protocolId, componentId, cause, actor, why, epochs, interfaces } = run;
  const shared = {
    ...(session !== undefined && { protocolId, componentId }),
    ...(cause !== undefined && { cause }),
    ...(actor !== undefined && { actor }),
    ...(why !== undefined && { why }),
  };
  if (interfaces.length > 1) {
    const names = interfaces.map(({ ifIndex, nextHop }) => `${ifIndex}:${nextHop}`);
    const rev = first + interfaces.length - 1;
    return { rev, ...shared, count: interfaces.length, interfaces: names };
  }
  const [epoch] = epochs;
  return { rev: first, ...shared, ...interfaces[0], ...(epoch !== undefined && { epoch }) };
}
