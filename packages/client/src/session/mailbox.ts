import type {
  CallbackMessage,
  Handle,
  OwnershipLostCallback,
  SessionId,
  SessionLostCallback,
} from '@mgm/protocol';
import type { MgmError } from '../errors.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { decodeCallback, readCallback, type AnyCallback } from '../rpc/messages.ts';
import type { CallbackHandlers, Emitter, SessionEvents } from './events.ts';

/** The session of a mailbox. */
export interface MailboxSession {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly handlers: CallbackHandlers;
  readonly events: Emitter<SessionEvents>;
  readonly over: () => MgmError | undefined;
  /** Called as soon as the callback is received, ahead of queued ones, and possibly more than once. */
  readonly onOwnershipLost: (callback: OwnershipLostCallback) => void;
  /** The session was taken over. Ends the mailbox. */
  readonly onSessionLost: (callback: SessionLostCallback) => void;
  /** {@link Mailbox.handled} has grown: managers may forget what was handled. */
  readonly onHandled: () => void;
}

/** Received callbacks whose handler has not run yet. Further ones stay in the manager's mailbox until there is room. */
const QUEUE_MAX = 1_024;
/** Wire contract section 3, `limit`. */
const PAGE_MAX = 1_000;
/** A handler that takes longer is logged: it delays all callbacks that follow. */
const SLOW_HANDLER_MS = 10_000;
/** How often a handler that fails is called for one callback. */
const HANDLER_ATTEMPTS = 3;

/**
 * The callbacks of one session: pushed by managers, read from the mailbox where NATS dropped a push, and handed to the
 * handlers in order and without gaps.
 *
 * `queued` is the number up to which callbacks have entered the queue, `handled` the number up to which their handlers
 * returned, `head` the highest number seen: `handled` ≤ `queued` ≤ `head`. A push with the number `queued + 1` enters the
 * queue. A push with a higher number, or a higher `mailbox` in a reply, shows a gap, and the missing callbacks are read
 * from a manager. A number not above `queued` is a repetition.
 */
export class Mailbox {
  readonly #context: Context;
  readonly #session: MailboxSession;
  readonly #unsubscribe: () => void;
  readonly #queue: AnyCallback[] = [];
  #head = 0;
  #queued = 0;
  #handled = 0;
  #isHandling = false;
  #isReading = false;
  #isOver = false;

  constructor(context: Context, session: MailboxSession) {
    this.#context = context;
    this.#session = session;
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

  /** The session is over: no further handler is called, queued callbacks are discarded. */
  end(): void {
    this.#isOver = true;
    this.#unsubscribe();
    this.#queue.length = 0;
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
    if (!this.#isHandling) void this.#handleAll();
  }

  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    // Calls that a handler makes must not run inside of the code that received the push.
    await Promise.resolve();
    for (let next = this.#queue[0]; next && !this.#isOver; next = this.#queue[0]) {
      await this.#handle(next);
      if (this.#isOver) break;
      this.#queue.shift();
      this.#handled = next.seq;
      this.#session.onHandled();
      this.#readMissing();
    }
    this.#isHandling = false;
  }

  async #handle(callback: AnyCallback): Promise<void> {
    const { clock, logger, router } = this.#context;
    if (callback.kind === 'unknown') {
      return logger.debug({ router, seq: callback.seq, type: callback.type }, 'unknown callback');
    }
    const { seq, type } = callback.message;
    const cancel = clock.after(SLOW_HANDLER_MS, () => {
      logger.warn({ router, seq, type }, 'callback handler takes long; later callbacks wait');
    });
    await this.#runUntilDone(callback.message);
    cancel();
  }

  /** A callback that can't be handled must not block the others for ever. */
  async #runUntilDone(callback: CallbackMessage): Promise<void> {
    for (let attempt = 1; !this.#session.over(); attempt++) {
      try {
        return await runHandler(this.#session.handlers, callback);
      } catch (error) {
        const willRetry = attempt < HANDLER_ATTEMPTS;
        this.#handlerFailed(callback, error, attempt, willRetry);
        if (!willRetry) return;
      }
      await pause(this.#context.clock, backoffMs(attempt));
    }
  }

  #handlerFailed(callback: CallbackMessage, error: unknown, attempt: number, willRetry: boolean) {
    const { seq, type } = callback;
    const fields = { seq, type, err: error, attempt, willRetry };
    this.#context.logger.error(fields, 'callback handler failed');
    this.#session.events.emit('callback-error', { callback, error, attempt, willRetry });
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

async function runHandler(handlers: CallbackHandlers, callback: CallbackMessage): Promise<void> {
  switch (callback.type) {
    case 'DISABLE_IGMP':
      return await handlers.onDisableIgmp?.(callback);
    case 'ENABLE_IGMP':
      return await handlers.onEnableIgmp?.(callback);
    case 'OWNERSHIP_LOST':
      return await handlers.onOwnershipLost?.(callback);
  }
}
