import { changesOf, deadlinesOf, type Evidence, type Finding } from './evidence.ts';

/** No lease ends before the session's own deadline, so a session has stopped acting before it loses its lease. */
export function checkLeases(evidence: Evidence): Finding {
  const deadlines = deadlinesOf(evidence);
  const problems: string[] = [];
  let checked = 0;
  for (const { log, event, seenMono } of changesOf(evidence)) {
    const { type, session = 0 } = event;
    if (log > 0 || (type !== 'expired' && type !== 'stale')) continue;
    checked++;
    const deadlineMono = deadlines.get(session) ?? -Infinity;
    if (seenMono >= deadlineMono) continue;
    const earlyMs = (deadlineMono - seenMono).toFixed(1);
    problems.push(
      `${evidence.router}: session ${session} ${type} ${earlyMs} ms before its deadline`,
    );
  }
  return { check: 'leases', checked, problems };
}
