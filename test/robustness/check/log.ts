import type { EventMessage, InterfaceItem } from '@mgm/client';
import { isIgmp } from '@mgm/client';
import type { Evidence, Finding } from './evidence.ts';

/** Every watcher sees every revision once, equal to the log of the store (invariant I3). */
export function checkWatchers({ router, watchers, log }: Evidence): Finding {
  const problems: string[] = [];
  let checked = 0;
  const told = new Map(log.map((event) => [event.rev, JSON.stringify(event)]));
  problems.push(...gapsIn(0, log).map((gap) => `${router}: the log ${gap}`));
  for (const { name, logs } of watchers) {
    for (const [at, { from, events }] of logs.entries()) {
      checked += events.length;
      const seen = events.map(({ event }) => event);
      const where = `${router}: ${name}, log ${at + 1} of ${logs.length},`;
      problems.push(...gapsIn(from, seen).map((gap) => `${where} ${gap}`));
      if (at < logs.length - 1) continue;
      const last = seen.at(-1)?.rev ?? from;
      if (last !== log.length) problems.push(`${where} ended at ${last} of ${log.length}`);
      for (const event of seen) {
        if (told.get(event.rev) === JSON.stringify(event)) continue;
        problems.push(`${where} was told ${JSON.stringify(event)}, not ${told.get(event.rev)}`);
      }
    }
  }
  return { check: 'events', checked, problems };
}

function gapsIn(from: number, events: readonly EventMessage[]): string[] {
  let before = from;
  return events.flatMap(({ rev }) => {
    const expected = before + 1;
    before = rev;
    return rev === expected ? [] : [`has ${rev} where ${expected} belongs`];
  });
}

interface Held {
  readonly session: number;
  readonly epoch: string;
}

/** The state after the changes, and the changes that contradict those before them. */
class Replay {
  readonly problems: string[] = [];
  readonly holds = new Map<string, Held>();
  readonly #over = new Set<number>();

  constructor(log: readonly EventMessage[]) {
    for (const event of log) this.#apply(event);
  }

  #apply(event: EventMessage): void {
    const { type, session = 0, previous = 0, ifIndex, nextHop = '', epoch = '' } = event;
    const place = `${type.startsWith('igmp-') ? 'igmp' : 'owner'} ${ifIndex}:${nextHop}`;
    const there = this.holds.get(place);
    if (type.endsWith('taken')) {
      if (there) this.#wrong(event, `${there.session} has it`);
      if (this.#over.has(session)) this.#wrong(event, 'its session was over before');
      this.holds.set(place, { session, epoch });
    }
    if (type.endsWith('released')) {
      if (there?.session !== session || there.epoch !== epoch) {
        this.#wrong(event, `there is ${JSON.stringify(there)}`);
      }
      this.holds.delete(place);
    }
    if (type === 'resumed') {
      if (this.#over.has(previous)) this.#wrong(event, 'its predecessor was over before');
      this.#over.add(previous);
      for (const [at, hold] of this.holds) {
        if (hold.session === previous) this.holds.set(at, { session, epoch });
      }
    }
    if (/^(expired|evicted|deregistered)$/.test(type)) {
      if (this.#over.has(session)) this.#wrong(event, 'it was over before');
      this.#over.add(session);
    }
  }

  #wrong(event: EventMessage, why: string): void {
    this.problems.push(`${JSON.stringify(event)}: ${why}`);
  }
}

/** No change contradicts those before it, and all together give the listing of `interfaces`. */
export function checkFinalState({ router, log, listing }: Evidence): Finding {
  const replay = new Replay(log);
  const problems = replay.problems.map((problem) => `${router}: ${problem}`);
  const come = [...replay.holds].map(
    ([place, { session, epoch }]) => `${place} ${session} ${epoch}`,
  );
  const listed = listing.flatMap(holdsOf);
  for (const hold of come.filter((one) => !listed.includes(one))) {
    problems.push(`${router}: by its log there is ${hold}, and it is not listed`);
  }
  for (const hold of listed.filter((one) => !come.includes(one))) {
    problems.push(`${router}: listed is ${hold}, and by its log it is not there`);
  }
  return { check: 'final state', checked: log.length, problems };
}

function holdsOf({ ifIndex, nextHop, protocolId, session, epoch, igmp }: InterfaceItem): string[] {
  const own = `${isIgmp(protocolId) ? 'igmp' : 'owner'} ${ifIndex}:${nextHop} ${session} ${epoch}`;
  return igmp ? [own, `igmp ${ifIndex}:${nextHop} ${igmp.session} ${igmp.epoch}`] : [own];
}
