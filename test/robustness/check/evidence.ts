import type { EventMessage, InterfaceItem } from '@mgm/client';
import type { Call, Timed, Told } from '../traffic/history.ts';
import type { SeenLog } from '../traffic/watcher.ts';
import type { Durability } from '../topology/system.ts';

/** A call with what became of it. Without a reply it is `unknown`, for ever. */
export interface Recorded extends Call {
  readonly invokedMono: number;
  readonly returnedMono: number;
  readonly told: Told;
}

/** One process of a worker: what it wrote, and when it was gone. */
export interface ProcessHistory {
  readonly worker: string;
  /** What it takes stands beside what routing protocols own. */
  readonly igmp: boolean;
  readonly entries: readonly Timed[];
  readonly goneMono: number;
}

/** Everything that is known about one router after a run, when all workers rest. */
export interface Evidence {
  readonly router: string;
  readonly durability: Durability;
  readonly processes: readonly ProcessHistory[];
  readonly watchers: readonly { readonly name: string; readonly logs: readonly SeenLog[] }[];
  /** The store's own log, from its first change on. */
  readonly log: readonly EventMessage[];
  /** What `interfaces` lists. */
  readonly listing: readonly InterfaceItem[];
  /** Sessions of the workers that rest. */
  readonly resting: readonly number[];
}

/** A change, in the order of the log, with the moment from which it is known to have happened. */
export interface Change {
  /** Which log it stands in: 0 is the first. */
  readonly log: number;
  readonly event: EventMessage;
  readonly seenMono: number;
}

/** What a checker found. No problem with nothing checked is no proof: then it says `why`. */
export interface Finding {
  readonly check: string;
  /** Of what it looked at: operations, changes, holds. */
  readonly checked: number;
  readonly problems: readonly string[];
  readonly inconclusive?: string;
  /** Why it was left out: it is not promised. */
  readonly notPromised?: string;
}

/** Calls with their replies, over all processes. */
export function callsOf({ processes }: Pick<Evidence, 'processes'>): Recorded[] {
  return processes.flatMap(({ entries }) => {
    const replies = new Map<string, Timed & { readonly kind: 'returned' }>();
    for (const entry of entries) if (entry.kind === 'returned') replies.set(entry.id, entry);
    return entries.flatMap((entry): Recorded[] => {
      if (entry.kind !== 'invoked') return [];
      const { mono, kind, ...call } = entry;
      const reply = replies.get(entry.id);
      if (!reply) {
        const told = { told: 'unknown', reason: 'no-reply' } as const;
        return [{ ...call, invokedMono: mono, returnedMono: Infinity, told }];
      }
      const { mono: returnedMono, kind: _, id, ...told } = reply;
      return [{ ...call, invokedMono: mono, returnedMono, told }];
    });
  });
}

/** Every change that anybody saw, over all logs. What only the store's own log has was seen at no known time. */
export function changesOf({ watchers, log }: Pick<Evidence, 'watchers' | 'log'>): Change[] {
  const logs = logsOf({ watchers });
  return Array.from({ length: logs }, (_, at): Change[] => {
    const known = new Map<number, Change>();
    const isLast = at === logs - 1;
    for (const event of isLast ? log : [])
      known.set(event.rev, { log: at, event, seenMono: Infinity });
    for (const { logs: seen } of watchers) {
      // Logs are counted from the end: a watcher that began late missed the first ones.
      const events = seen[at - logs + seen.length]?.events ?? [];
      for (const { mono, event } of events) {
        const before = known.get(event.rev)?.seenMono ?? Infinity;
        if (mono < before) known.set(event.rev, { log: at, event, seenMono: mono });
      }
    }
    return [...known.values()].toSorted((a, b) => a.event.rev - b.event.rev);
  }).flat();
}

/** Whether the store lost data that it never promised to keep: then only what holds in spite of that is looked at. */
export function hasForgotten(evidence: Evidence): boolean {
  return evidence.durability === 'memory' && logsOf(evidence) > 1;
}

/** How many logs of changes there were: one, unless the store lost data. */
function logsOf({ watchers }: Pick<Evidence, 'watchers'>): number {
  return Math.max(1, ...watchers.map((one) => one.logs.length));
}

/** The latest deadline that each session knew of. */
export function deadlinesOf({ processes }: Pick<Evidence, 'processes'>): Map<number, number> {
  const latest = new Map<number, number>();
  for (const entry of processes.flatMap(({ entries }) => entries)) {
    if (entry.kind !== 'deadline') continue;
    latest.set(entry.session, Math.max(entry.deadlineMono, latest.get(entry.session) ?? 0));
  }
  return latest;
}
