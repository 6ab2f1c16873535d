import { firstDifference } from './compare.ts';
import type { Callback, DueEvent, InterfaceName, LogEvent, SessionNumber } from './vocabulary.ts';

type LoggedEvent = LogEvent & { readonly rev: number };

/** A callback in its session's mailbox. */
export interface QueuedCallback {
  readonly session: SessionNumber;
  /** The `rev` of the event that it tells of. */
  readonly causedAt: number;
  readonly message: Callback & { readonly seq: number };
}

/**
 * What a watcher may rely on (sections 4 and 5): every change is one event, with the next `rev`, in the order of what happened.
 * Ends of sessions are written by whoever notices, so they may come later than they were, but never after what could not have
 * happened before them. Callbacks are written in the same step as the event they tell of, so they follow from the log.
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

  /** What is still to be written. */
  get due(): readonly DueEvent[] {
    return this.#due;
  }

  expect(due: readonly DueEvent[]): void {
    this.#due.push(...due);
  }

  /** Takes the next event of the real log, in the model's numbers, or says why it may not stand there. */
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

  /** The revision an event that was due has got. */
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

  /** Section 4: who is told of an event. What a session is told that is over for good, nobody reads. */
  #tell(event: LoggedEvent): void {
    const { type, on, cause, session } = event;
    if (type === 'resumed') this.#moveIgmp(event.previous, session);
    if (on === undefined || cause === undefined) return;
    if (type === 'igmp-taken') this.#igmpOn.set(on, session);
    if (type === 'igmp-released') this.#igmpOn.delete(on);
    const igmp = this.#igmpOn.get(on);
    if ((type === 'taken' || type === 'released') && igmp !== undefined) {
      // An operator's release is to IGMP a release like any other: section 4 lists no other cause for the pair.
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

/** Whether an event that is due has to be written before this one. */
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
