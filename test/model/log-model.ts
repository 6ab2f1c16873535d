import { firstDifference } from './compare.ts';
import type { Callback, DueEvent, InterfaceName, LogEvent, SessionNumber } from './vocabulary.ts';

type LoggedEvent = LogEvent & { readonly rev: number };

/** A callback in its session's mailbox. */
export interface QueuedCallback {
  readonly session: SessionNumber;
  /** The `rev` of its event. */
  readonly causedAt: number;
  readonly message: Callback & { readonly seq: number };
}

/**
 * The guarantees of a watcher (sections 4 and 5): every change is one event with the next `rev`, in the order of execution.
 * The end of a session is logged by the manager that notices it, so its event may be late, but never after an event that depends
 * on it. Callbacks are stored in the same step as their event, so they follow from the log.
 */
export class LogModel {
  readonly #due: DueEvent[] = [];
  readonly #events: LoggedEvent[] = [];
  readonly #revs = new Map<DueEvent, number>();
  readonly #igmpOn = new Map<InterfaceName, SessionNumber>();
  readonly #mailboxes = new Map<SessionNumber, QueuedCallback[]>();
  #told: QueuedCallback[] = [];

  get head(): number {
    return this.#events.length;
  }

  /** The events still to be logged. */
  get due(): readonly DueEvent[] {
    return this.#due;
  }

  expect(due: readonly DueEvent[]): void {
    this.#due.push(...due);
  }

  /** Accepts the next event of the real log, in the model's numbers, or returns why it is wrong. */
  accept(event: { readonly [field: string]: unknown }): string | undefined {
    const rev = this.head + 1;
    if (event['rev'] !== rev) return `it comes after rev ${this.head}`;
    const at = this.#due.findIndex((one) => !firstDifference(event, one.event));
    const due = this.#due[at];
    if (!due) return 'nothing of the kind happened';
    const earlier = this.#due.slice(0, at).find((one) => mustPrecede(one, due.event));
    if (earlier) return `this comes before it: ${JSON.stringify(earlier.event)}`;
    this.#due.splice(at, 1);
    this.#revs.set(due, rev);
    this.#events.push({ ...due.event, rev });
    this.#tell({ ...due.event, rev });
    return undefined;
  }

  /** The revision that a due event was given. */
  revOf(due: DueEvent): number | undefined {
    return this.#revs.get(due);
  }

  /** At most `limit` events after `from`, as of `rev`. */
  events(from: number, limit: number, rev: number): readonly LoggedEvent[] {
    return this.#events.slice(from, Math.min(from + limit, rev));
  }

  /** All callbacks of a session, as of `rev`; the last one's `seq` is their number. */
  mailbox(session: SessionNumber, rev: number): readonly QueuedCallback[] {
    return (this.#mailboxes.get(session) ?? []).filter(({ causedAt }) => causedAt <= rev);
  }

  /** The callbacks since the last call, in the order of their events. */
  takeTold(): QueuedCallback[] {
    return this.#told.splice(0);
  }

  /** Section 4: the recipients of an event's callbacks. Callbacks of a session that is over are not read. */
  #tell(event: LoggedEvent): void {
    const { type, on, cause, session } = event;
    if (type === 'resumed') this.#moveIgmp(event.previous, session);
    if (on === undefined || cause === undefined) return;
    if (type === 'igmp-taken') this.#igmpOn.set(on, session);
    if (type === 'igmp-released') this.#igmpOn.delete(on);
    const igmp = this.#igmpOn.get(on);
    if ((type === 'taken' || type === 'released') && igmp !== undefined) {
      // IGMP sees an operator's release as any other release: section 4 lists no other cause for the pair.
      const pair = { on, rev: event.rev, cause: cause === 'admin' ? 'release' : cause };
      this.#queue(igmp, event.rev, { type: 'DISABLE_IGMP', ...pair });
      this.#queue(igmp, event.rev, { type: 'ENABLE_IGMP', ...pair });
    }
    if (cause !== 'take' && cause !== 'release') {
      const { epoch = 0, why } = event;
      const lost = { type: 'OWNERSHIP_LOST', on, epoch, cause } as const;
      this.#queue(session, event.rev, { ...lost, ...(why !== undefined && { why }) });
    }
  }

  #queue(session: SessionNumber, causedAt: number, callback: Callback): void {
    const mailbox = this.#mailboxes.get(session) ?? [];
    const queued = { session, causedAt, message: { seq: mailbox.length + 1, ...callback } };
    this.#mailboxes.set(session, [...mailbox, queued]);
    this.#told.push(queued);
  }

  #moveIgmp(from: SessionNumber | undefined, to: SessionNumber): void {
    for (const [on, igmp] of this.#igmpOn) if (igmp === from) this.#igmpOn.set(on, to);
  }
}

/** Whether a due event has to be logged before this one. */
function mustPrecede({ event: earlier, when }: DueEvent, event: LogEvent): boolean {
  if (when === 'now') return true;
  if (earlier.on === undefined && event.on === undefined) {
    return earlier.protocolId === event.protocolId && earlier.componentId === event.componentId;
  }
  if (earlier.on === undefined || event.on === undefined) return earlier.session === event.session;
  return earlier.on === event.on && isOfIgmp(earlier) === isOfIgmp(event);
}

function isOfIgmp({ type }: LogEvent): boolean {
  return type.startsWith('igmp-');
}
