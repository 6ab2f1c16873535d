import type { EventMessage } from '@mgm/client';
import { addTo } from './add-to.ts';
import type { Evidence, Finding } from './evidence.ts';

/**
 * Each callback once, in order: the callbacks that a session handled are a prefix of those that follow from the log, and all of
 * them if it still lives. `DISABLE_IGMP` and `ENABLE_IGMP` are a pair (MGM semantics, B3).
 */
export function checkCallbacks(evidence: Evidence): Finding {
  const { router, processes, resting } = evidence;
  const problems: string[] = [];
  const due = callbacksDue(evidence.log);
  const handled = new Map<number, string[]>();
  const numbers = new Map<number, number[]>();
  for (const entry of processes.flatMap(({ entries }) => entries)) {
    if (entry.kind === 'callbacks-missed') {
      problems.push(`${router}: session ${entry.session} was told that callbacks are gone`);
    }
    // Alerts are numbered together with the other callbacks.
    if (entry.kind === 'alert' || entry.kind === 'callback') {
      addTo(numbers, entry.session, entry.seq);
    }
    if (entry.kind !== 'callback') continue;
    const { session, type, ifIndex, rev, epoch } = entry;
    addTo(handled, session, `${type} ${ifIndex} ${rev ?? epoch}`);
  }
  let checked = 0;
  for (const [session, seqs] of numbers) {
    for (const [at, seq] of seqs.entries()) {
      if (seq === at + 1) continue;
      problems.push(`${router}: session ${session}: callback ${at + 1} has number ${seq}`);
    }
  }
  for (const session of new Set([...handled.keys(), ...resting])) {
    const [got, expected] = [handled.get(session) ?? [], due.get(session) ?? []];
    checked += got.length;
    const where = `${router}: session ${session}`;
    for (const [at, text] of got.entries()) {
      if (text !== expected[at]) problems.push(`${where}: ${text}, due was ${expected[at]}`);
    }
    if (resting.includes(session) && got.length < expected.length) {
      problems.push(`${where}: has not been told ${expected.slice(got.length).join(', ')}`);
    }
  }
  return { check: 'callbacks', checked, problems };
}

/** The callbacks due to each session, by the changes of a log. */
function callbacksDue(log: readonly EventMessage[]): Map<number, string[]> {
  const due = new Map<number, string[]>();
  const listening = new Map<number, number>();
  const tell = (session: number | undefined, text: string): void => {
    if (session !== undefined) addTo(due, session, text);
  };
  for (const { type, rev, session = 0, previous, ifIndex = 0, epoch, cause } of log) {
    if (type === 'igmp-taken') listening.set(ifIndex, session);
    if (type === 'igmp-released') listening.delete(ifIndex);
    if (type === 'resumed') {
      for (const [at, who] of listening) if (who === previous) listening.set(at, session);
    }
    if (type === 'taken' || type === 'released') {
      tell(listening.get(ifIndex), `DISABLE_IGMP ${ifIndex} ${rev}`);
      tell(listening.get(ifIndex), `ENABLE_IGMP ${ifIndex} ${rev}`);
    }
    // Callbacks at the end of a session may be lost: it has no mailbox any more.
    if (type.endsWith('released') && cause !== 'release') {
      tell(session, `OWNERSHIP_LOST ${ifIndex} ${epoch}`);
    }
  }
  return due;
}
