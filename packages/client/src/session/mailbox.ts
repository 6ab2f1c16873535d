import type {
  AlertMessage,
  Handle,
  IgmpCallback,
  OwnershipLostCallback,
  SessionId,
  SessionLostCallback,
} from '@mgm/protocol';
import type { MgmError } from '../errors.ts';
import { itemsOf } from '../membership/alerts.ts';
import type { HeldAlerts } from '../membership/held-alerts.ts';
import type { Cancel } from '../rpc/clock.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { decodeCallback, readCallback, type AnyCallback } from '../rpc/messages.ts';
import type { CallbackHandlers, Emitter, SessionEvents } from './events.ts';
import { HandlerCalls } from './handlers.ts';
import type { HandlerTurn } from './turn.ts';

/** The session of a mailbox. */
export interface MailboxSession {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly handlers: CallbackHandlers;
  readonly events: Emitter<SessionEvents>;
  readonly over: () => MgmError | undefined;
  /** Of all handlers of the session. */
  readonly turn: HandlerTurn;
  /** Called as soon as the callback is received, ahead of queued ones, and possibly more than once. */
  readonly onOwnershipLost: (callback: OwnershipLostCallback) => void;
  /** The session was taken over. Ends the mailbox. */
  readonly onSessionLost: (callback: SessionLostCallback) => void;
  /** {@link Mailbox.handled} has grown: managers may forget what was handled. */
  readonly onHandled: () => void;
  /** Alerts that are held back. */
  readonly alerts: HeldAlerts;
  /** The handler of this callback is about to be called. */
  readonly onIgmp: (callback: IgmpCallback) => void;
  /** The handler of this callback has returned. */
  readonly onIgmpHandled: (callback: IgmpCallback) => void;
  /** A callback of a type that this version does not know was skipped. */
  readonly onUnknown: () => void;
  /** Resolves when a manager knows what was {@link Mailbox.handled} at the call, or when the session is over. */
  readonly acknowledge: () => Promise<void>;
}

/** Received callbacks whose handler has not run yet. Further ones stay in the manager's mailbox until there is room. */
const QUEUE_MAX = 1_024;
/** Wire contract section 3, `limit`. */
const PAGE_MAX = 1_000;

/**
 * The callbacks of one session: pushed by managers, read from the mailbox where NATS dropped a push, and handed to the
 * handlers in order and without gaps.
 *
 * `queued` is the number up to which callbacks have entered the queue, `handled` the number up to which their handlers
 * returned, `head` the highest number seen: `handled` ≤ `queued` ≤ `head`. A push with the number `queued + 1` enters the
 * queue. A push with a higher number, or a higher `mailbox` in a reply, shows a gap, and the missing callbacks are read
 * from a manager. A number not above `queued` is a repetition.
 *
 * An alert message has many items, each of which is a callback of its own; {@link HeldAlerts} decides which of them are
 * delivered, and when. An item that is held counts as handled.
 */
export class Mailbox {
  readonly #context: Context;
  readonly #session: MailboxSession;
  readonly #unsubscribe: () => void;
  readonly #handlers: HandlerCalls;
  readonly #queue: AnyCallback[] = [];
  #head = 0;
  #queued = 0;
  #handled = 0;
  #isHandling = false;
  #isReading = false;
  #isOver = false;
  /** Whether the session was recovered and the handler was not called for that yet. */
  #isRecovered = false;
  #cancelWake: Cancel | undefined;

  constructor(context: Context, session: MailboxSession) {
    this.#context = context;
    this.#session = session;
    const { handlers, events, over } = session;
    this.#handlers = new HandlerCalls(context, handlers, events, over, session.turn);
    const subject = context.subjects.callback(context.router, session.session);
    this.#unsubscribe = context.transport.subscribe(subject, ({ data }) => this.#onPush(data));
  }

  /** Every callback up to this number was handled. */
  get handled(): number {
    return this.#handled;
  }

  /** A callback was pushed. */
  push(callback: AnyCallback): void {
    if (this.#isOver) return;
    this.#received(callback);
    this.#head = Math.max(this.#head, callback.seq);
    this.#enqueue(callback);
    this.#readMissing();
  }

  /** A reply contained the number of the last callback. */
  sawHead(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#readMissing();
  }

  /** Reports a recovery as the next callback. */
  recovered(): void {
    this.#isRecovered = true;
    this.wake();
  }

  /** Delivers what is due. */
  wake(): void {
    if (!this.#isHandling && !this.#isOver) void this.#handleAll();
  }

  /** The session is over: no further handler is called, queued callbacks are discarded. */
  end(): void {
    this.#isOver = true;
    this.#unsubscribe();
    this.#queue.length = 0;
    this.#session.alerts.discard();
    this.#cancelWake?.();
  }

  #onPush(data: Uint8Array): void {
    const callback = decodeCallback(data);
    if (callback?.kind === 'session-lost') this.#session.onSessionLost(callback.message);
    else if (callback) this.push(callback);
    else this.#context.logger.warn({ router: this.#context.router }, 'callback not readable');
  }

  #received(callback: AnyCallback): void {
    if (callback.kind !== 'known' || callback.message.type !== 'OWNERSHIP_LOST') return;
    this.#session.onOwnershipLost(callback.message);
  }

  #enqueue(callback: AnyCallback): void {
    if (callback.seq !== this.#queued + 1 || this.#queue.length >= QUEUE_MAX) return;
    this.#queued = callback.seq;
    this.#queue.push(callback);
    this.wake();
  }

  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    // Calls that a handler makes must not run inside of the code that received the push.
    await Promise.resolve();
    while (await this.#handleNext()) continue;
    this.#isHandling = false;
    this.#wakeWhenDue();
  }

  /** Returns whether to go on. */
  async #handleNext(): Promise<boolean> {
    await this.#reportRecovery();
    await this.#deliverDue();
    const next = this.#queue[0];
    if (!next || this.#isOver) return false;
    await this.#handle(next);
    if (this.#isOver) return false;
    this.#queue.shift();
    this.#finish(next.seq);
    this.#session.onHandled();
    this.#readMissing();
    return true;
  }

  #finish(seq: number): void {
    this.#handled = seq;
    this.#session.alerts.reached(seq);
  }

  async #handle(callback: AnyCallback): Promise<void> {
    if (callback.kind === 'alert') return await this.#handleAlert(callback.message);
    if (callback.kind === 'unknown') {
      const { logger, router } = this.#context;
      logger.debug({ router, seq: callback.seq, type: callback.type }, 'unknown callback');
      return this.#session.onUnknown();
    }
    const { message } = callback;
    const igmp = message.type === 'OWNERSHIP_LOST' ? undefined : message;
    if (igmp) this.#session.onIgmp(igmp);
    await this.#handlers.run(message);
    if (igmp && !this.#isOver) this.#session.onIgmpHandled(igmp);
  }

  async #handleAlert(message: AlertMessage): Promise<void> {
    if (message.type === 'RESYNC') return await this.#resync(message.seq);
    const { clock } = this.#context;
    for (const item of itemsOf(message)) {
      await this.#deliverDue();
      for (const due of this.#session.alerts.reach(item, clock.monoMs())) {
        if (!this.#isOver) await this.#handlers.run(due);
      }
    }
  }

  /** The manager writes no alerts until it knows that this one was handled: only what is listed after that is complete. */
  async #resync(seq: number): Promise<void> {
    this.#session.alerts.discard();
    this.#finish(seq);
    await this.#session.acknowledge();
    if (!this.#isOver) await this.#handlers.run({ cause: 'overflow' });
  }

  async #reportRecovery(): Promise<void> {
    if (!this.#isRecovered || this.#isOver) return;
    this.#isRecovered = false;
    this.#session.alerts.discard();
    await this.#handlers.run({ cause: 'recovered' });
  }

  async #deliverDue(): Promise<void> {
    const { clock } = this.#context;
    while (!this.#isOver) {
      const item = this.#session.alerts.takeDue(clock.monoMs());
      if (!item) return;
      await this.#handlers.run(item);
    }
  }

  #wakeWhenDue(): void {
    this.#cancelWake?.();
    const { nextDueMono } = this.#session.alerts;
    if (this.#isOver || nextDueMono === Infinity) return;
    const { clock } = this.#context;
    this.#cancelWake = clock.after(Math.ceil(nextDueMono - clock.monoMs()), () => this.wake());
  }

  #readMissing(): void {
    if (this.#isReading || this.#isOver || this.#queued >= this.#head) return;
    if (this.#queue.length <= QUEUE_MAX / 2) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#queued < this.#head && !this.#isOver && (await this.#readPage())) continue;
    } catch (err) {
      // The reply to the next keepalive shows the gap again.
      const { logger, router } = this.#context;
      if (!this.#isOver) logger.warn({ router, err }, 'mailbox not readable');
    }
    this.#isReading = false;
  }

  /** Returns whether to read on. */
  async #readPage(): Promise<boolean> {
    const room = QUEUE_MAX - this.#queue.length;
    if (room <= 0) return false;
    const from = this.#queued;
    const fields = { handle: this.#session.handle, from, limit: Math.min(room, PAGE_MAX) };
    const guard = this.#session.over;
    const page = await requestGranted(this.#context, 'mailbox', fields, { guard });
    if (this.#isOver) return false;
    const callbacks = page.messages.map(readCallback).filter((one) => one !== undefined);
    for (const callback of callbacks) this.#received(callback);
    this.#skipForgotten(callbacks[0]?.seq);
    for (const callback of callbacks) this.#enqueue(callback);
    if (callbacks.length === 0) this.#head = Math.max(this.#queued, page.head);
    return this.#queued > from;
  }

  /** Managers keep a callback until it is acknowledged; one that is gone nevertheless does not come back. */
  #skipForgotten(firstKept: number | undefined): void {
    if (firstKept === undefined || firstKept <= this.#queued + 1) return;
    const { logger, router } = this.#context;
    const missed = { first: this.#queued + 1, last: firstKept - 1 };
    logger.error({ router, ...missed }, 'callbacks missed');
    this.#session.events.emit('callbacks-missed', missed);
    this.#queued = missed.last;
  }
}
