import { OPERATIONS, type OperationName } from '@mgm/protocol';
import type { Publication, StoreMeter, SweepReport } from '@mgm/store';
import { Tally } from './tally.ts';

/** ms; what a worker waits for. */
const ANSWER_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];
/** ms; what one call of the store takes. */
const CALL_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500];
const BATCH_OPERATIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Reasons that say that the manager, or what is behind it, could not do its work. */
const FAILED: ReadonlySet<string> = new Set([
  'unavailable',
  'overloaded',
  'indeterminate',
  'store-full',
]);

/** What one operation came to. */
class OperationFigures {
  /** By `ok` or the reason of a refusal. */
  readonly results = new Map<string, number>();
  /** From taking a request to its answer, in ms. */
  readonly times = new Tally(ANSWER_MS);

  get failed(): number {
    return total([...this.results].filter(([result]) => FAILED.has(result)));
  }
}

/**
 * What a replica counts of its work, as plain numbers: what a request costs here is about a tenth of a microsecond. Who
 * wants to see them, `/metrics` and `$SRV.STATS`, does the rest.
 */
export class Figures implements StoreMeter {
  readonly operations: ReadonlyMap<OperationName, OperationFigures> = new Map(
    OPERATIONS.map((operation) => [operation, new OperationFigures()]),
  );
  readonly batchOperations = new Tally(BATCH_OPERATIONS);
  readonly callMs = new Tally(CALL_MS);
  /** By the code of the error. */
  readonly callsFailed = new Map<string, number>();
  readonly sliceMs = new Tally(CALL_MS);
  /** By type. */
  readonly events = new Map<string, number>();
  /** How often a connection was lost. */
  readonly losses = { nats: 0, redis: 0 };
  sessionsEnded = 0;
  interfacesReleased = 0;
  callbacks = 0;
  interfacesHeldBack = 0;
  heads = 0;

  /** `result`: `ok`, or the reason of a refusal. */
  answered(operation: OperationName, result: string, tookMs: number): void {
    const figures = this.operations.get(operation);
    if (!figures) return;
    bump(figures.results, result);
    figures.times.add(tookMs);
  }

  called(tookMs: number, failure?: string): void {
    if (failure === undefined) this.callMs.add(tookMs);
    else bump(this.callsFailed, failure);
  }

  decided(operations: number): void {
    this.batchOperations.add(operations);
  }

  heldBack(interfaces: number): void {
    this.interfacesHeldBack += interfaces;
  }

  swept({ ended, released }: SweepReport, tookMs: number): void {
    this.sliceMs.add(tookMs);
    this.sessionsEnded += ended;
    this.interfacesReleased += released;
  }

  published({ runs, callbacks, losses }: Publication): void {
    for (const { type, interfaces } of runs) bump(this.events, type, interfaces.length || 1);
    this.callbacks += callbacks.length;
    for (const { interfaces } of losses) this.callbacks += interfaces.length;
  }
}

function bump(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function total(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}
