import { checkAcknowledged } from './acknowledged.ts';
import { checkCallbacks } from './callbacks.ts';
import { checkEpochs } from './epochs.ts';
import { type Evidence, type Finding, hasForgotten } from './evidence.ts';
import { checkExclusivity } from './exclusive.ts';
import { checkFalseAlerts, checkNotified } from './forwarding-alerts.ts';
import { checkForwardingReads } from './forwarding-reads.ts';
import { checkAgents, checkForwardingEntries, checkForwardingLog } from './forwarding.ts';
import { checkLeases } from './leases.ts';
import { checkLinearizability } from './linearizability.ts';
import { checkLocalAlerts } from './local-alerts.ts';
import { checkAlerts, checkMemberLog, checkMembers } from './memberships.ts';
import { checkFinalState, checkWatchers } from './log.ts';
import { checkMemberReplies } from './member-replies.ts';
import { checkOverflows } from './overflows.ts';
import { checkPlanes } from './planes.ts';
import { checkStored } from './stored-memberships.ts';

type Check = (evidence: Evidence) => Finding;

/** The invariants V1 to V6 of the membership contract. They must hold whenever all workers rest. */
export const MEMBERSHIP_CHECKS: readonly Check[] = [
  unlessForgotten('memberships', checkMembers),
  unlessForgotten('membership log', checkMemberLog),
  unlessForgotten('alerts', checkAlerts),
  unlessForgotten('LOCAL alerts', checkLocalAlerts),
  unlessForgotten('mailbox overflows', checkOverflows),
  unlessForgotten('membership replies', checkMemberReplies),
  unlessForgotten('stored memberships', checkStored),
];

/** The invariants W1 to W5 of the forwarding contract. They must hold whenever all workers rest. */
export const FORWARDING_CHECKS: readonly Check[] = [
  unlessForgotten('forwarding log', checkForwardingLog),
  unlessForgotten('agents', checkAgents),
  unlessForgotten('forwarding planes', checkPlanes),
  unlessForgotten('forwarding entries', checkForwardingEntries),
  unlessForgotten('forwarding reads', checkForwardingReads),
  unlessForgotten('notified', checkNotified),
  unlessForgotten('FALSE alerts', checkFalseAlerts),
];

/** Every check of the evidence of one router. */
export const CHECKS: readonly Check[] = [
  unlessForgotten('linearizable', checkLinearizability),
  checkExclusivity,
  checkEpochs,
  checkLeases,
  checkWatchers,
  unlessForgotten('final state', checkFinalState),
  unlessForgotten('callbacks', checkCallbacks),
  checkAcknowledged,
  ...MEMBERSHIP_CHECKS,
  ...FORWARDING_CHECKS,
];

/** Leaves out a check after a permitted loss of data. */
function unlessForgotten(check: string, does: Check): Check {
  return (evidence) => {
    if (!hasForgotten(evidence)) return does(evidence);
    const notPromised = 'the store lost its memory, which mode `memory` allows';
    return { check, checked: 0, problems: [], notPromised };
  };
}
