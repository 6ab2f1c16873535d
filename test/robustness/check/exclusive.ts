import { addTo } from './add-to.ts';
import { callsOf, changesOf, deadlinesOf, type Evidence, type Finding } from './evidence.ts';

/** The time during which a session believed that it owned an interface. */
interface Belief {
  readonly session: number;
  readonly epoch: string;
  readonly fromMono: number;
  readonly toMono: number;
}

/**
 * At no instant two sessions believe that they own one interface, each by its own deadline, which needs no network (invariant
 * I1). A session that lost an interface by an operator or a takeover learns it later: its belief counts until that request.
 */
export function checkExclusivity(evidence: Evidence): Finding {
  const beliefs = beliefsOf(evidence);
  const problems: string[] = [];
  let checked = 0;
  for (const [place, list] of beliefs) {
    checked += list.length;
    // An ownership that was revoked before the reply to its take was never believed.
    const believed = list.filter(({ fromMono, toMono }) => toMono > fromMono);
    const inTime = believed.toSorted((a, b) => a.fromMono - b.fromMono);
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
  const found = new Map<string, Belief[]>();
  for (const { entries, goneMono, igmp } of evidence.processes) {
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
      const place = `${igmp ? 'igmp on ' : ''}interface ${ifIndex}`;
      addTo(found, place, { session, epoch, fromMono, toMono });
    }
  }
  return found;
}

/** The earliest time at which a hold may have been revoked: of a whole session, or of one interface under its epoch. */
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

function textOf({ session, epoch, fromMono, toMono }: Belief): string {
  return `session ${session} believed from ${fromMono.toFixed(3)} to ${toMono.toFixed(3)} (epoch ${epoch})`;
}
