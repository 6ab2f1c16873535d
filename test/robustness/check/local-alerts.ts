import { isIgmp, type MembershipEvent } from '@mgm/client';
import { entryText } from '../traffic/entries.ts';
import type { Timed } from '../traffic/history.ts';
import type { Evidence, Finding } from './evidence.ts';

/** Changes and alerts of IGMP's memberships of one entry on one interface that one session owns. */
interface Account {
  joined: number;
  left: number;
  /** Of these, deleted by IGMP; a window or the end of a hold has other causes. */
  deleted: number;
  isPresent: boolean;
  readonly alerts: string[];
}

/**
 * A resting owner has one LOCAL_JOIN for each membership that IGMP gained on its interfaces, and a LOCAL_LEAVE for each that IGMP
 * deleted; a former one, and one whose mailbox overflowed, has no more than that. They alternate except across a window, which
 * has no LOCAL_LEAVE (V4 of the membership contract).
 */
export function checkLocalAlerts({ router, processes, resting, memberLog }: Evidence): Finding {
  const entries = processes.flatMap((one) => one.entries);
  const problems: string[] = [];
  let checked = 0;
  const alerted = entries.flatMap((one) => (one.kind === 'groups' ? [one.session] : []));
  const overflowed = new Set(
    entries.flatMap((one) => (one.kind === 'alert' && one.type === 'RESYNC' ? [one.session] : [])),
  );
  for (const session of new Set(alerted)) {
    const isComplete = resting.includes(session) && !overflowed.has(session);
    for (const [where, account] of accountsOf(session, memberLog, entries)) {
      checked += account.alerts.length;
      const problem = isComplete ? problemOf(account) : excessOf(account);
      if (problem) problems.push(`${router}: session ${session}: ${problem} of ${where}`);
    }
  }
  return { check: 'LOCAL alerts', checked, problems };
}

function accountsOf(
  session: number,
  memberLog: readonly MembershipEvent[],
  entries: readonly Timed[],
): Map<string, Account> {
  const accounts = new Map<string, Account>();
  const accountOf = (entry: string, ifIndex: number): Account => {
    const where = `${entry} on ${ifIndex}`;
    const account = accounts.get(where) ?? {
      joined: 0,
      left: 0,
      deleted: 0,
      isPresent: false,
      alerts: [],
    };
    accounts.set(where, account);
    return account;
  };
  for (const { type, cause, countsFor, protocolId, items } of memberLog) {
    if (countsFor !== session || !isIgmp(protocolId)) continue;
    for (const [group, source, ifIndex] of items) {
      const account = accountOf(entryText([group, source]), ifIndex);
      account.isPresent = type === 'joined';
      if (type === 'joined') account.joined++;
      else account.left++;
      if (type === 'left' && cause === 'member') account.deleted++;
    }
  }
  for (const one of entries) {
    if (one.kind !== 'alert' || one.session !== session) continue;
    for (const [at, ifIndex] of (one.on ?? []).entries()) {
      accountOf(one.entries[at] ?? '', ifIndex).alerts.push(one.type);
    }
  }
  return accounts;
}

/** A session that has ended has not handled all alerts. */
function excessOf({ joined, left, alerts }: Account): string | undefined {
  const joins = alerts.filter((type) => type === 'LOCAL_JOIN').length;
  if (joins > joined) return `${joins} LOCAL_JOIN for ${joined} memberships`;
  const leaves = alerts.length - joins;
  return leaves > left ? `${leaves} LOCAL_LEAVE for ${left} ended memberships` : undefined;
}

function problemOf({ joined, deleted, isPresent, alerts }: Account): string | undefined {
  const joins = alerts.filter((type) => type === 'LOCAL_JOIN').length;
  const leaves = alerts.length - joins;
  if (joins !== joined) return `${joins} LOCAL_JOIN for ${joined} memberships`;
  if (leaves < deleted) return `${leaves} LOCAL_LEAVE for ${deleted} deleted memberships`;
  // The first one may end a membership from before the session inherited its interfaces.
  const isRepeated = alerts.some(
    (type, at) => at > 0 && type === 'LOCAL_LEAVE' && alerts[at - 1] === type,
  );
  if (isRepeated) return 'a LOCAL_LEAVE after another one';
  if (isPresent && alerts.at(-1) !== 'LOCAL_JOIN') return 'a LOCAL_LEAVE after the last LOCAL_JOIN';
  return undefined;
}
