import type { Incident } from '../faults/schedule.ts';
import { changesOf, type Evidence, type Finding, type ProcessHistory } from './evidence.ts';

export interface Observed {
  readonly evidence: readonly Evidence[];
  readonly incidents: readonly Incident[];
  /** The lease of every session. */
  readonly ttlMs: number;
}

/** Above this a session may have expired because the machine was busy. */
const STALL_MS_MAX = 300;

/** While one manager is stopped and another serves, no session of a running worker expires. */
export function checkAvailability({ evidence, incidents, ttlMs }: Observed): Finding {
  const judged = incidents
    .filter(({ fault, stallMs }) => fault === 'manager-stop' && stallMs <= STALL_MS_MAX)
    // A lease that an earlier fault cut short ends within the first lease time.
    .map(({ what, fromMono, toMono }) => ({ what, fromMono: fromMono + ttlMs, toMono }))
    .filter(({ fromMono, toMono }) => fromMono < toMono);
  const problems = judged.flatMap(({ what, fromMono, toMono }) =>
    evidence.flatMap((one) =>
      changesOf(one)
        .filter(({ seenMono }) => seenMono > fromMono && seenMono < toMono)
        .filter(({ event: { type } }) => type === 'stale' || type === 'expired')
        .filter(({ event: { session }, seenMono }) => isKept(one, session, seenMono))
        .map(
          ({ event: { session, type } }) =>
            `${one.router}: session ${session} ${type} while only ${what} was stopped`,
        ),
    ),
  );
  return { check: 'availability', checked: judged.length, problems };
}

/** Whether a worker that runs at this time keeps the session alive. */
function isKept({ processes }: Evidence, session: number | undefined, mono: number): boolean {
  return processes.some((process) => process.goneMono > mono && keeps(process, session, mono));
}

function keeps({ entries }: ProcessHistory, session: number | undefined, mono: number): boolean {
  const before = entries.filter((entry) => entry.mono < mono);
  const began = before.some(
    (entry) =>
      entry.kind === 'returned' && entry.told === 'registered' && entry.session === session,
  );
  return began && !before.some((entry) => entry.kind === 'over' && entry.session === session);
}
