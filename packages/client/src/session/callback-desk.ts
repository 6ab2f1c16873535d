import type { Handle, OwnershipLostCallback, SessionId } from '@mgm/protocol';
import { handleCallback, type CallbackFailure, type CallbackHandlers } from './callbacks.ts';
import { demand, type Context } from '../rpc/context.ts';
import { decodeCallback, readCallback, type AnyCallback } from './decode-callback.ts';
import type { MgmError } from '../errors.ts';
import { Mailbox, type MailboxHost, type MailboxPage } from './mailbox.ts';

/** Callback numbers that were never seen and can't be had any more. */
export interface MissedCallbacks {
  readonly first: number;
  readonly last: number;
}

/** The session whose callbacks these are. */
export interface CalledSession {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly handlers: CallbackHandlers;
  over(): MgmError | undefined;
  /** As soon as it is known, whatever waits to be handled; maybe more than once. */
  ownershipLost(callback: OwnershipLostCallback): void;
  /** The manager may forget what was handled. */
  handledMore(): void;
  failed(failure: CallbackFailure): void;
  missed(missed: MissedCallbacks): void;
}

/** Handlers that take longer are mentioned in the log: they hold up all callbacks that follow. */
const SLOW_HANDLER_MS = 10_000;

/** Where the callbacks of one session come in, by push and out of its mailbox, and are handed to its handlers. */
export class CallbackDesk implements MailboxHost {
  readonly #context: Context;
  readonly #session: CalledSession;
  readonly #mailbox: Mailbox;
  readonly #unsubscribe: () => void;

  constructor(context: Context, session: CalledSession) {
    this.#context = context;
    this.#session = session;
    this.#mailbox = new Mailbox(this);
    const subject = context.subjects.callback(context.router, session.session);
    this.#unsubscribe = context.transport.subscribe(subject, ({ data }) => this.#pushed(data));
  }

  get handled(): number {
    return this.#mailbox.handled;
  }

  /** A reply told the last number that was given out. */
  sawHead(head: number): void {
    this.#mailbox.sawHead(head);
  }

  end(): void {
    this.#unsubscribe();
    this.#mailbox.end();
  }

  async read(from: number, limit: number): Promise<MailboxPage> {
    const { messages, head } = await demand(
      this.#context,
      'mailbox',
      { handle: this.#session.handle, from, limit },
      { guard: () => this.#session.over() },
    );
    const callbacks = messages.map(readCallback).filter((callback) => callback !== undefined);
    return { messages: callbacks, head };
  }

  arrived(callback: AnyCallback): void {
    if (callback.kind !== 'known' || callback.message.type !== 'OWNERSHIP_LOST') return;
    this.#session.ownershipLost(callback.message);
  }

  async handle(callback: AnyCallback): Promise<void> {
    const { clock, logger, router } = this.#context;
    if (callback.kind === 'unknown') {
      return logger.debug({ router, seq: callback.seq, type: callback.type }, 'unknown callback');
    }
    const { seq, type } = callback.message;
    const cancel = clock.after(SLOW_HANDLER_MS, () => {
      logger.warn({ router, seq, type }, 'callback handler takes long; later callbacks wait');
    });
    await handleCallback(this.#session.handlers, callback.message, {
      clock,
      failed: (failure) => this.#session.failed(failure),
      isOver: () => this.#session.over() !== undefined,
    });
    cancel();
  }

  handledMore(): void {
    this.#session.handledMore();
  }

  missed(first: number, last: number): void {
    this.#context.logger.error({ router: this.#context.router, first, last }, 'callbacks missed');
    this.#session.missed({ first, last });
  }

  readFailed(err: unknown): void {
    this.#context.logger.warn({ router: this.#context.router, err }, 'mailbox not readable');
  }

  #pushed(data: Uint8Array): void {
    const callback = decodeCallback(data);
    if (callback) this.#mailbox.push(callback);
    else this.#context.logger.warn({ router: this.#context.router }, 'callback not readable');
  }
}
