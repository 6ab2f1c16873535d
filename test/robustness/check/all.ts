import { checkAcknowledged } from './acknowledged.ts';
import { checkCallbacks } from './callbacks.ts';
import { checkEpochs } from './epochs.ts';
import type { Evidence, Finding } from './evidence.ts';
import { checkExclusivity } from './exclusive.ts';
import { checkLeases } from './leases.ts';
import { checkLinearizability } from './linearizability.ts';
import { checkFinalState, checkWatchers } from './log.ts';

/** Every check of what was recorded about one router. */
export const CHECKS: readonly ((evidence: Evidence) => Finding)[] = [
  checkLinearizability,
  checkExclusivity,
  checkEpochs,
  checkLeases,
  checkWatchers,
  checkFinalState,
  checkCallbacks,
  checkAcknowledged,
];
