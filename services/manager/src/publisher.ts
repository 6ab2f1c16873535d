import { encodeMessage, type Subjects } from '@mgm/protocol';
import { eventsOf, type Publication } from '@mgm/store';
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

/**
 * Sends what a batch changed: events to everybody, callbacks to their sessions, and a line of log per change. They go
 * out behind the answers of their batch, which somebody waits for; a watcher that misses one reads it back.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #changeLog: Logger;
  #waiting: Publication[] = [];

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    // Events hold no secrets, and looking for some in a line per change costs a tenth of the throughput.
    this.#changeLog = parts.log.child({}, { redact: [] });
  }

  /** Takes a batch's changes. They are sent when the promises of its answers have run. */
  publish(publication: Publication): void {
    this.#waiting.push(publication);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  /** Sends what waits. */
  flush(): void {
    const publications = this.#waiting;
    this.#waiting = [];
    for (const publication of publications) this.#send(publication);
  }

  #send(publication: Publication): void {
    const { bus, subjects, figures } = this.#parts;
    figures.published(publication);
    const { router, ts, runs, callbacks } = publication;
    for (const run of runs) {
      const subject = subjects.event(router, run.type);
      for (const event of eventsOf(run, ts)) bus.publish(subject, encodeMessage(event));
    }
    for (const { session, message } of callbacks) {
      bus.publish(subjects.callback(router, session), encodeMessage(message));
    }
    if (this.#changeLog.isLevelEnabled('info')) logChanges(this.#changeLog, publication);
  }
}
