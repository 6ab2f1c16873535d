import type { ManagerSlot } from '../topology/manager-slot.ts';
import type { Servers } from '../topology/system.ts';
import type { WorkerSlot } from '../traffic/worker-slot.ts';

/** The targets of faults. */
export interface Targets {
  readonly servers: Servers;
  readonly managers: readonly ManagerSlot[];
  readonly workers: readonly WorkerSlot[];
}
