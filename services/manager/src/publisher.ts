import {
  encodeMessage,
  type EncodeOfRun,
  eventEncoder,
  lossEncoder,
  type RouterName,
  type Subjects,
} from '@mgm/protocol';
import {
  alertMessage,
  epochIn,
  eventsOf,
  lossesShare,
  membershipEventOf,
  mfeMessage,
  revisionIn,
  sharedBy,
  type EventRun,
  type LossRun,
  type Publication,
} from '@mgm/store';
import type { Logger } from 'pino';
import type { Bus } from './bus.ts';
import type { Metrics } from './health/metrics.ts';

export interface PublisherParts {
  readonly bus: Pick<Bus, 'publish'>;
  readonly subjects: Subjects;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Up to this many changes are sent together with the replies of their batch; sending them takes about one socket write. */
const TOGETHER_MAX = 16;
/** Messages per turn of the event loop for a larger publication; more would delay requests. */
const PIECE = 32;

/**
 * Publishes what a batch changed: events, callbacks and one log line per change. Events follow the replies of their batch,
 * because clients wait for replies, and a watcher reads back an event that it missed.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #changeLog: Logger;
  readonly #queue: Publication[] = [];
  /** The remaining messages of the first publication in the queue. */
  #sending: Iterator<void> | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    // Events contain no secrets, and redaction of a line per change costs a tenth of the throughput.
    this.#changeLog = parts.log.child({}, { redact: [] });
  }

  /** Queues the changes of a batch, to be sent after the replies of the batch: few in the same turn, many piece by piece. */
  publish(publication: Publication): void {
    this.#queue.push(publication);
    if (this.#queue.length > 1) return;
    if (changesIn(publication) <= TOGETHER_MAX) process.nextTick(() => this.flush());
    else setImmediate(() => this.#sendPiece());
  }

  /** Sends everything queued. */
  flush(): void {
    while (this.#sendOne());
  }

  /** Pieces grow with the queue, which therefore stays short. */
  #sendPiece(): void {
    for (let left = PIECE * this.#queue.length; left > 0; left--) this.#sendOne();
    if (this.#queue.length > 0) setImmediate(() => this.#sendPiece());
  }

  /** Sends one message; returns false when the queue was empty. */
  #sendOne(): boolean {
    const [publication] = this.#queue;
    if (publication === undefined) return false;
    this.#sending ??= this.#send(publication);
    if (this.#sending.next().done) {
      this.#queue.shift();
      this.#sending = undefined;
    }
    return true;
  }

  *#send(publication: Publication): Generator<void, void, void> {
    const { bus, subjects, metrics } = this.#parts;
    metrics.published(publication);
    const { router, ts, runs, callbacks, losses } = publication;
    for (const run of runs) yield* this.#sendRun(subjects.event(router, run.type), run, ts);
    for (const { session, identity, message } of callbacks) {
      bus.publish(subjects.callback(router, session, identity), encodeMessage(message));
      yield;
    }
    yield* this.#sendMemberships(publication);
    for (const message of publication.fib) {
      bus.publish(subjects.mfe(router), encodeMessage(mfeMessage(message)));
      yield;
    }
    for (const run of losses) {
      const encode = lossEncoder(lossesShare(run, ts));
      yield* this.#sendEach(subjects.callback(router, run.session, run.identity), run, encode);
    }
    if (this.#changeLog.isLevelEnabled('info')) logChanges(this.#changeLog, publication);
  }

  *#sendMemberships({ router, ts, memberRuns, alerts }: Publication): Generator<void, void, void> {
    const { bus, subjects } = this.#parts;
    for (const run of memberRuns) {
      const event = membershipEventOf(run, ts);
      bus.publish(subjects.membership(router, event.type), encodeMessage(event));
      yield;
    }
    for (const alert of alerts) {
      for (const { session, seq, identity } of alert.recipients) {
        const message = encodeMessage(alertMessage(alert, seq, ts));
        bus.publish(subjects.callback(router, session, identity), message);
        yield;
      }
    }
  }

  *#sendRun(subject: string, run: EventRun, ts: number): Generator<void, void, void> {
    const { bus } = this.#parts;
    const { interfaces } = run;
    if (interfaces.length === 0 || run.type === 'interface-set') {
      for (const event of eventsOf(run, ts)) bus.publish(subject, encodeMessage(event));
      return yield;
    }
    yield* this.#sendEach(subject, run, eventEncoder(sharedBy(run, ts)));
  }

  *#sendEach(
    subject: string,
    run: EventRun | LossRun,
    encode: EncodeOfRun,
  ): Generator<void, void, void> {
    for (const [at, on] of run.interfaces.entries()) {
      this.#parts.bus.publish(subject, encode(run.first + at, on, epochIn(run, at)));
      yield;
    }
  }
}

/** Losses are not counted: each follows from a change in `runs`. */
function changesIn({ runs, callbacks, memberRuns, alerts, fib }: Publication): number {
  const messages = alerts.reduce(
    (count, { recipients }) => count + recipients.length,
    callbacks.length + memberRuns.length + fib.length,
  );
  return runs.reduce((count, { interfaces }) => count + Math.max(1, interfaces.length), messages);
}

/**
 * Logs the changes of a batch. No other replica logs them. Interfaces that one session gains or loses in succession for the
 * same cause share a line, so that the end of a large session costs little to log.
 */
function logChanges(log: Logger, { router, ts, runs }: Publication): void {
  for (const run of runs) logRun(log, router, run, ts);
}

function logRun(log: Logger, router: RouterName, run: EventRun, at: number): void {
  const { ts: _, type, session, previous, ...shared } = sharedBy(run, at);
  const rest = { ...shared, ...changedIn(run) };
  switch (type) {
    case 'taken':
      return log.info({ router, to: session, ...rest }, 'owner changed');
    case 'released':
      return log.info({ router, from: session, ...rest }, 'owner changed');
    case 'igmp-taken':
      return log.info({ router, to: session, ...rest }, 'igmp changed');
    case 'igmp-released':
      return log.info({ router, from: session, ...rest }, 'igmp changed');
    case 'resumed':
      return log.info({ router, from: previous, to: session, ...rest }, 'interfaces inherited');
    case 'interface-set':
      return log.info({ router, session, ...rest }, 'interface set');
    case 'store-reset':
      return log.warn({ router, ...rest }, 'store lost data');
    default:
      return log.info({ router, session, ...rest, to: type }, 'session changed');
  }
}

/** The fields of a line: for one change its interface and epoch, for several the last revision, the count and the interfaces. */
function changedIn(run: EventRun): object {
  const { first, epochs, interfaces, settings } = run;
  if (interfaces.length > 1) {
    const names = interfaces.map(({ ifIndex, nextHop }) => `${ifIndex}:${nextHop}`);
    const rev = revisionIn(run, interfaces.length - 1);
    return { rev, count: interfaces.length, interfaces: names };
  }
  const [epoch] = epochs;
  const changed = { rev: first, ...interfaces[0], ...(epoch !== undefined && { epoch }) };
  return settings === undefined ? changed : { ...changed, settings };
}
