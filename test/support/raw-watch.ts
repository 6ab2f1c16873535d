import type { Subscription } from '@mgm/nats';
import type { Callback, EventMessage, Head } from './raw-answers.ts';
import type { RawRouter } from './raw-client.ts';
import { unpack } from './raw-codec.ts';

/** What managers published about one router since the watch began, in order of arrival. */
export class RawWatch implements Disposable {
  readonly events: EventMessage[] = [];
  readonly callbacks = new Map<number, Callback[]>();
  readonly heads: Head[] = [];
  /** The bytes of everything published, by the last part of its subject. */
  readonly raw: { readonly subject: string; readonly bytes: Uint8Array }[] = [];
  /** Events that came on a subject that does not name their type. */
  readonly misplaced: EventMessage[] = [];
  readonly #subscriptions: Subscription[];

  constructor({ nats, prefix, name }: RawRouter) {
    const root = `${prefix}.${name}.`;
    this.#subscriptions = ['event.*', 'callback.*', 'head'].map((tail) =>
      nats.subscribe(root + tail, {
        callback: (error, message) => {
          if (error) throw error;
          this.#take(message.subject.slice(root.length), message.data);
        },
      }),
    );
  }

  /** Callbacks pushed to one session. */
  callbacksOf(session: number): Callback[] {
    return this.callbacks.get(session) ?? [];
  }

  /** Pushed events above `rev`, sorted: replicas publish on their own, so between them arrival has no order. */
  eventsAfter(rev: number): EventMessage[] {
    return this.events.filter((event) => event.rev > rev).toSorted((a, b) => a.rev - b.rev);
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #take(subject: string, bytes: Uint8Array): void {
    this.raw.push({ subject, bytes });
    const [kind, tail] = subject.split('.');
    if (kind === 'event') this.#takeEvent(tail, unpack(bytes) as EventMessage);
    else if (kind === 'callback') this.#takeCallback(Number(tail), unpack(bytes) as Callback);
    else this.heads.push(unpack(bytes) as Head);
  }

  #takeEvent(type: string | undefined, event: EventMessage): void {
    this.events.push(event);
    if (event.type !== type) this.misplaced.push(event);
  }

  #takeCallback(session: number, callback: Callback): void {
    this.callbacks.set(session, [...this.callbacksOf(session), callback]);
  }
}
