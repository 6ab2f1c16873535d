import type { Replica } from '@mgm/client';
import type { Column } from '../output/columns.ts';

/** A replica with its rates since the previous frame; in the first frame since its start. */
export interface ReplicaView {
  readonly name: string;
  readonly version: string;
  readonly durability: string | undefined;
  readonly store: string | undefined;
  /** Why it cannot decide at present; empty if it can. */
  readonly trouble: readonly string[];
  /** `undefined` in the first frame. */
  readonly requestsPerSecond: number | undefined;
  /** Requests that it could not decide, since its start. */
  readonly failed: number;
  /** The mean time from a request to its reply; `undefined` if there was none. */
  readonly meanMs: number | undefined;
}

/** Turns growing counters into rates between frames. */
export class ReplicaRates {
  #before = new Map<string, Replica>();
  #beforeMono = 0;

  update(replicas: readonly Replica[], nowMono: number): ReplicaView[] {
    const views = replicas.map((one) => this.#viewOf(one, nowMono));
    this.#before = new Map(replicas.map((one) => [one.id, one]));
    this.#beforeMono = nowMono;
    return views;
  }

  #viewOf(now: Replica, nowMono: number): ReplicaView {
    const { name, version, durability, store, trouble, failed } = now;
    const before = this.#before.get(now.id);
    const seconds = (nowMono - this.#beforeMono) / 1_000;
    return {
      name,
      version,
      durability,
      store,
      trouble,
      failed,
      requestsPerSecond:
        before && seconds > 0 ? (now.requests - before.requests) / seconds : undefined,
      meanMs: meanSince(now, before),
    };
  }
}

function meanSince(now: Replica, before: Replica | undefined): number | undefined {
  const answered = now.answered - (before?.answered ?? 0);
  const tookMs = totalMs(now) - (before ? totalMs(before) : 0);
  return answered > 0 ? Math.max(0, tookMs / answered) : undefined;
}

function totalMs({ answered, meanMs = 0 }: Replica): number {
  return answered * meanMs;
}

/** The columns of the table of replicas. */
export const REPLICA_COLUMNS: readonly Column<ReplicaView>[] = [
  { name: 'REPLICA', rank: 0, cell: ({ name }) => name },
  { name: 'VERSION', rank: 2, cell: ({ version }) => version },
  {
    name: 'REQUESTS/S',
    rank: 0,
    cell: ({ requestsPerSecond: rate }) => (rate === undefined ? '-' : rate.toFixed(1)),
  },
  {
    name: 'MEAN',
    rank: 1,
    cell: ({ meanMs }) => (meanMs === undefined ? '-' : `${meanMs.toFixed(1)} ms`),
  },
  {
    name: 'FAILED',
    rank: 0,
    cell: ({ failed }, { red }) => (failed === 0 ? '0' : red(String(failed))),
  },
  {
    name: 'STORE',
    rank: 0,
    cell: ({ store = 'unknown', trouble }, { red, green }) =>
      trouble.length === 0 ? green(store) : red(trouble.join(', ')),
  },
];
