import { addTo } from './add-to.ts';
import type { Told } from '../traffic/history.ts';
import { callsOf, type Evidence, type Finding } from './evidence.ts';

/**
 * Each change of memberships had one effect, that of its reply, although requests are repeated (V5). Checked for sessions on the
 * wire contract: the client library also adds memberships again by itself.
 */
export function checkMemberReplies(evidence: Evidence): Finding {
  const { router, processes, memberLog } = evidence;
  const changes = new Map<number, number>();
  for (const { session, cause, items } of memberLog) {
    if (cause === 'member') changes.set(session, (changes.get(session) ?? 0) + items.length);
  }
  const counts = new Map<number, (number | undefined)[]>();
  const onWire = processes.filter(({ entries }) => entries.some(({ kind }) => kind === 'groups'));
  for (const { op, session, told } of callsOf({ processes: onWire })) {
    if (session === undefined || !op.startsWith('member.')) continue;
    const count = told.told === 'changed' ? told.count : 0;
    addTo(counts, session, isOpen(told) ? undefined : count);
  }
  const problems = [...counts].flatMap(([session, told]) => {
    const sum = told.reduce<number>((total, count) => total + (count ?? 0), 0);
    const logged = changes.get(session) ?? 0;
    const isKnown = !told.includes(undefined);
    if (logged === sum || (!isKnown && logged > sum)) return [];
    return [`${router}: session ${session}: replies tell of ${sum} changes, the log of ${logged}`];
  });
  const checked = [...counts.values()].reduce((sum, { length }) => sum + length, 0);
  return { check: 'membership replies', checked, problems };
}

/** Without a reply; or the session had ended when the request was repeated, and an earlier copy may have been executed. */
function isOpen(told: Told): boolean {
  const isGone = told.told === 'refused' && /^(session-expired|bad-handle)$/.test(told.reason);
  return told.told === 'unknown' || isGone;
}
