import type { EventMessage, InterfaceItem, ListedMembership, MembershipEvent } from '@mgm/client';
import type { Call, Forwarding, LoggedForwarding, Timed, Told } from '../traffic/history.ts';
import type { SeenLog } from '../traffic/watcher.ts';
import type { Durability } from '../topology/system.ts';

/** A call with its outcome. Without a reply the outcome stays `unknown`. */
export interface Recorded extends Call {
  readonly invokedMono: number;
  readonly returnedMono: number;
  readonly told: Told;
}

/** The history of one process of a worker, and the time of its end. */
export interface ProcessHistory {
  readonly worker: string;
  /** Its holds are separate from those of routing protocols. */
  readonly igmp: boolean;
  /** Whether it is a forwarder agent. */
  readonly agent: boolean;
  readonly entries: readonly Timed[];
  readonly goneMono: number;
}

/** What the store keeps of the memberships of one router, by the layout of section 11.2 of the membership contract. */
export interface StoredMemberships {
  readonly schema: number;
  /** Holds with memberships, and entries. */
  readonly slots: number;
  readonly entries: number;
  /** Keys of interfaces with memberships, and of withdrawn memberships. */
  readonly interfaces: number;
  readonly withdrawn: number;
}

/** A route of the multicast view. */
export interface StoredRoute {
  readonly network: string;
  readonly length: number;
  readonly ifIndex: number;
  readonly nextHop: string;
  /** Whether it is the best one of its prefix. */
  readonly best: boolean;
}

/** The forwarding entries of one router, as the managers list and log them. */
export interface StoredForwarding {
  readonly log: string;
  /** The listing is as of this number. */
  readonly frev: number;
  readonly entries: readonly Forwarding[];
  /** The log from its first number. */
  readonly messages: readonly LoggedForwarding[];
  readonly routes: readonly StoredRoute[];
}

/** All evidence about one router after a run, when all workers rest. */
export interface Evidence {
  readonly router: string;
  readonly durability: Durability;
  readonly processes: readonly ProcessHistory[];
  readonly watchers: readonly { readonly name: string; readonly logs: readonly SeenLog[] }[];
  /** The event log of the store, from its first event. */
  readonly log: readonly EventMessage[];
  /** The listing of `interfaces`. */
  readonly listing: readonly InterfaceItem[];
  /** The log of memberships, from its first event, and the listing of `members`. */
  readonly memberLog: readonly MembershipEvent[];
  readonly members: readonly ListedMembership[];
  readonly stored: StoredMemberships;
  readonly forwarding: StoredForwarding;
  /** The sessions of the resting workers. */
  readonly resting: readonly number[];
}

/** A change in the order of the log, with the earliest time at which it was seen. */
export interface Change {
  /** The index of its log: 0 is the first. */
  readonly log: number;
  readonly event: EventMessage;
  readonly seenMono: number;
}

/** The result of a check. */
export interface Finding {
  readonly check: string;
  /** The number of checked calls, changes or holds. */
  readonly checked: number;
  readonly problems: readonly string[];
  readonly inconclusive?: string;
  /** Why the check was left out: the property is not promised. */
  readonly notPromised?: string;
}

/** The calls of all processes with their outcomes. */
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

/** Every change over all logs. A change that only the store's log has was seen at no known time. */
export function changesOf({ watchers, log }: Pick<Evidence, 'watchers' | 'log'>): Change[] {
  const logs = logsOf({ watchers });
  return Array.from({ length: logs }, (_, at): Change[] => {
    const known = new Map<number, Change>();
    const isLast = at === logs - 1;
    for (const event of isLast ? log : [])
      known.set(event.rev, { log: at, event, seenMono: Infinity });
    for (const { logs: seen } of watchers) {
      // Logs are matched from the end: a watcher that began late missed the first ones.
      const events = seen[at - logs + seen.length]?.events ?? [];
      for (const { mono, event } of events) {
        const before = known.get(event.rev)?.seenMono ?? Infinity;
        if (mono < before) known.set(event.rev, { log: at, event, seenMono: mono });
      }
    }
    return [...known.values()].toSorted((a, b) => a.event.rev - b.event.rev);
  }).flat();
}

/** Whether the store lost data that it did not promise to keep; some checks are then left out. */
export function hasForgotten(evidence: Evidence): boolean {
  return evidence.durability === 'memory' && logsOf(evidence) > 1;
}

/** The number of event logs: one, unless the store lost data. */
function logsOf({ watchers }: Pick<Evidence, 'watchers'>): number {
  return Math.max(1, ...watchers.map((one) => one.logs.length));
}

/** The latest deadline of each session, by its own clock. */
export function deadlinesOf({ processes }: Pick<Evidence, 'processes'>): Map<number, number> {
  const latest = new Map<number, number>();
  for (const entry of processes.flatMap(({ entries }) => entries)) {
    if (entry.kind !== 'deadline') continue;
    latest.set(entry.session, Math.max(entry.deadlineMono, latest.get(entry.session) ?? 0));
  }
  return latest;
}

/** Whether it is a forwarder agent that runs at the end. One of the client library does not while it could not start. */
export function isRunningAgent({ agent, goneMono, entries }: ProcessHistory): boolean {
  if (!agent || goneMono < Infinity) return false;
  const last = entries.findLast(
    (entry) =>
      entry.kind === 'forwarder' || (entry.kind === 'returned' && entry.told === 'registered'),
  );
  return last?.kind !== 'forwarder' || last.state !== 'stopped';
}
