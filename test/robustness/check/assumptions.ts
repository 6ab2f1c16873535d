import type { Incident } from '../faults/schedule.ts';
import { callsOf, type Evidence, type Finding } from './evidence.ts';

export interface Assumed {
  readonly evidence: readonly Evidence[];
  readonly incidents: readonly Incident[];
  readonly seconds: number;
}

/** Answered calls per second of the run, over all routers: far below the rate of any machine. */
const CALLS_PER_SECOND = 5;

/** Whether enough happened for the other checks to mean something. */
export function checkAssumptions({ evidence, incidents, seconds }: Assumed): Finding {
  const calls = evidence.flatMap(callsOf);
  const answered = calls.filter(({ told }) => told.told !== 'unknown').length;
  const told = (what: string): number => calls.filter((call) => call.told.told === what).length;
  const missing = [
    answered < seconds * CALLS_PER_SECOND && `only ${answered} calls were answered`,
    told('taken') < seconds && `only ${told('taken')} takes succeeded`,
    told('released') < seconds / 4 && `only ${told('released')} releases succeeded`,
    told('already-owned') === 0 && 'no take was refused as already-owned',
    incidents.length === 0 && 'no fault was injected',
    ...incidents.map(({ fault, what, bit }) => !bit && `${fault} (${what}) hit nothing`),
  ].filter((one) => typeof one === 'string');
  const inconclusive = missing.length > 0 ? { inconclusive: missing.join('; ') } : {};
  return { check: 'assumptions', checked: calls.length, problems: [], ...inconclusive };
}
