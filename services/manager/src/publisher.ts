import {
  encodeMessage,
  type EncodeOfRun,
  eventEncoder,
  lossEncoder,
  type Subjects,
} from '@mgm/protocol';
import {
  epochIn,
  eventsOf,
  lossesShare,
  sharedBy,
  type EventRun,
  type LossRun,
  type Publication,
} from '@mgm/store';
import type { Logger } from 'pino';
import { logChanges } from './change-log.ts';
import type { Figures } from './figures.ts';
import type { Bus } from './nats-connection.ts';

export interface PublisherParts {
  readonly bus: Pick<Bus, 'publish'>;
  readonly subjects: Subjects;
  readonly log: Logger;
  readonly figures: Figures;
}

/** So many are written in the time that another write to a socket would cost. */
const FEW = 16;
/** Messages of one turn of the event loop, where there are many: nobody shall wait longer for them. */
const PIECE = 32;

/**
 * Sends what a batch changed: events to everybody, callbacks to their sessions, and a line of log per change. They go
 * out behind the answers of their batch, which somebody waits for; a watcher that misses one reads it back.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #changeLog: Logger;
  readonly #waiting: Publication[] = [];
  /** Of the first that waits: sends the next of its messages. */
  #sending: Iterator<void> | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    // Events hold no secrets, and looking for some in a line per change costs a tenth of the throughput.
    this.#changeLog = parts.log.child({}, { redact: [] });
  }

  /**
   * Takes a batch's changes. They are sent when the promises of its answers have run: few together with the answers, for one
   * write to the bus; many piece by piece, since writing them at once takes longer than somebody should wait.
   */
  publish(publication: Publication): void {
    this.#waiting.push(publication);
    if (this.#waiting.length > 1) return;
    if (changesIn(publication) <= FEW) process.nextTick(() => this.flush());
    else setImmediate(() => this.#sendPiece());
  }

  /** Sends what waits. */
  flush(): void {
    while (this.#sendOne());
  }

  /** The more wait, the larger the piece: so they never become many. */
  #sendPiece(): void {
    for (let left = PIECE * this.#waiting.length; left > 0; left--) this.#sendOne();
    if (this.#waiting.length > 0) setImmediate(() => this.#sendPiece());
  }

  /** Says whether there was one. */
  #sendOne(): boolean {
    const [publication] = this.#waiting;
    if (publication === undefined) return false;
    this.#sending ??= this.#send(publication);
    if (this.#sending.next().done) {
      this.#waiting.shift();
      this.#sending = undefined;
    }
    return true;
  }

  *#send(publication: Publication): Generator<void, void, void> {
    const { bus, subjects, figures } = this.#parts;
    figures.published(publication);
    const { router, ts, runs, callbacks, losses } = publication;
    for (const run of runs) yield* this.#sendRun(subjects.event(router, run.type), run, ts);
    for (const { session, message } of callbacks) {
      bus.publish(subjects.callback(router, session), encodeMessage(message));
      yield;
    }
    for (const run of losses) {
      const encode = lossEncoder(lossesShare(run, ts));
      yield* this.#sendEach(subjects.callback(router, run.session), run, encode);
    }
    if (this.#changeLog.isLevelEnabled('info')) logChanges(this.#changeLog, publication);
  }

  *#sendRun(subject: string, run: EventRun, ts: number): Generator<void, void, void> {
    const { bus } = this.#parts;
    const { interfaces } = run;
    if (interfaces.length === 0) {
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

/** Messages; of losses there are as many as of the changes that they follow from. */
function changesIn({ runs, callbacks }: Publication): number {
  return runs.reduce(
    (count, { interfaces }) => count + Math.max(1, interfaces.length),
    callbacks.length,
  );
}
