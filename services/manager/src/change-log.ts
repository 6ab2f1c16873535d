import type { EventMessage, RouterName } from '@mgm/protocol';
import type { Publication } from '@mgm/store';
import type { Logger } from 'pino';

/** Events that differ in nothing but revision, interface and epoch. */
type Run = readonly [EventMessage, ...EventMessage[]];

/**
 * Logs each change of a batch once: this replica made it, so no other one does. Interfaces that a session gets or loses
 * one after the other for one cause share a line, so that the end of a large session costs less to tell than to do.
 */
export function logChanges(log: Logger, { router, events }: Publication): void {
  for (const run of runsOf(events)) logRun(log, router, run);
}

function runsOf(events: readonly EventMessage[]): Run[] {
  const runs: [EventMessage, ...EventMessage[]][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run && areAlike(run[0], event)) run.push(event);
    else runs.push([event]);
  }
  return runs;
}

function areAlike(one: EventMessage, other: EventMessage): boolean {
  return (
    one.ifIndex !== undefined &&
    other.ifIndex !== undefined &&
    one.type === other.type &&
    one.session === other.session &&
    one.cause === other.cause &&
    one.actor === other.actor &&
    one.why === other.why
  );
}

function logRun(log: Logger, router: RouterName, run: Run): void {
  const { type, ts: _, session, previous, ...one } = run[0];
  const rest = run.length === 1 ? one : many(run, one);
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

/** What a line tells of several: their last revision, how many there are, and which. */
function many(run: Run, one: Partial<EventMessage>): object {
  const { ifIndex: _, nextHop: __, epoch: ___, ...shared } = one;
  const interfaces = run.map(({ ifIndex, nextHop }) => `${ifIndex}:${nextHop}`);
  return { ...shared, rev: run.at(-1)?.rev, count: run.length, interfaces };
}
