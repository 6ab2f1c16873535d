import { isIgmp } from '@mgm/client';
import { addTo } from './add-to.ts';
import { callsOf, changesOf, deadlinesOf, type Evidence, type Finding } from './evidence.ts';

/** For how long a session believed that it had an interface. */
interface Belief {
  readonly session: number;
  readonly epoch: string;
  readonly fromMono: number;
  readonly toMono: number;
}

/**
 * At no instant two sessions believe that they own one interface, each by its own deadline, which needs no network. Invariant
 * I1. Who lost an interface by force (an operator, a takeover) learns it later: its belief counts until that was asked for.
 */
export function checkExclusivity(evidence: Evidence): Finding {
  const beliefs = beliefsOf(evidence);
  const problems: string[] = [];
  let checked = 0;
  for (const [place, list] of beliefs) {
    const inTime = list.toSorted((a, b) => a.fromMono - b.fromMono);
    checked += inTime.length;
    let longest: Belief | undefined;
    for (const belief of inTime) {
      if (longest && longest.session !== belief.session && longest.toMono > belief.fromMono) {
        problems.push(`${evidence.router} ${place}: ${textOf(longest)}, and ${textOf(belief)}`);
      }
      if (!longest || belief.toMono > longest.toMono) longest = belief;
    }
  }
  return { check: 'exclusive', checked, problems };
}

function beliefsOf(evidence: Evidence): Map<string, Belief[]> {
  const forced = forcedEnds(evidence);
  const deadlines = deadlinesOf(evidence);
  const igmp = igmpSessions(evidence);
  const found = new Map<string, Belief[]>();
  for (const { entries, goneMono } of evidence.processes) {
    const letGo = new Map<string, number>();
    for (const entry of entries) {
      if (entry.kind === 'lets-go') letGo.set(`${entry.ifIndex} ${entry.epoch}`, entry.mono);
    }
    for (const entry of entries) {
      if (entry.kind !== 'holds') continue;
      const { ifIndex, epoch, session, mono: fromMono } = entry;
      const toMono = Math.min(
        letGo.get(`${ifIndex} ${epoch}`) ?? Infinity,
        goneMono,
        deadlines.get(session) ?? Infinity,
        forced.get(`${session}`) ?? Infinity,
        forced.get(`${session} ${ifIndex} ${epoch}`) ?? Infinity,
      );
      const place = `${igmp.has(session) ? 'igmp on ' : ''}interface ${ifIndex}`;
      addTo(found, place, { session, epoch, fromMono, toMono });
    }
  }
  return found;
}

/** From when on holds may have been ended by force: of a whole session, or of one interface under its epoch. */
function forcedEnds(evidence: Evidence): Map<string, number> {
  const calls = new Map(callsOf(evidence).map((call) => [call.id, call.invokedMono]));
  const ends = new Map<string, number>();
  for (const { event } of changesOf(evidence)) {
    const { type, session, ifIndex, epoch, cause, why = '' } = event;
    const askedMono = calls.get(why) ?? -Infinity;
    if (type === 'evicted') ends.set(`${session}`, askedMono);
    if (cause === 'admin') ends.set(`${session} ${ifIndex} ${epoch}`, askedMono);
  }
  return ends;
}

/** By the log: a session that inherited never had to say what it is. */
function igmpSessions(evidence: Evidence): Set<number> {
  const begun = changesOf(evidence).filter(({ event }) =>
    /^(registered|resumed)$/.test(event.type),
  );
  const igmp = begun.filter(({ event }) => isIgmp(event.protocolId ?? 0));
  return new Set(igmp.map(({ event }) => event.session ?? 0));
}

function textOf({ session, epoch, fromMono, toMono }: Belief): string {
  return `session ${session} believed from ${fromMono.toFixed(3)} to ${toMono.toFixed(3)} (epoch ${epoch})`;
}
