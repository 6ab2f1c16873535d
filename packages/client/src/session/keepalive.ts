import { encodeMessage } from '@mgm/protocol';
import type { Handle, RefusalFields } from '@mgm/protocol';
import type { Call } from '../rpc/calls.ts';
import { worthMs, type Context } from '../rpc/context.ts';
import type { Cancel } from '../rpc/clock.ts';
import { MgmError } from '../errors.ts';
import { isSessionGone, isSuccess, type Success } from '../rpc/replies.ts';

/** The session that a keepalive keeps. */
export interface KeptSession {
  readonly handle: Handle;
  readonly ttlMs: number;
  /** Every `seq` below is finished. */
  ack(): number;
  /** Every callback up to this one was handled. */
  handledCallback(): number;
  /** When the lease is over on this side. */
  deadlineMono(): number;
  over(): MgmError | undefined;
  renewed(sentMono: number, reply: Success<'keepalive'>): void;
  /** The manager does not know the session any more. */
  refused(refusal: RefusalFields): void;
}

/** A keepalive goes out when about a third of the lease has passed: one may get lost without harm, and each is repeated. */
const PER_LEASE = 3;
/** The part of the interval that is left to chance, half of it either way, so that sessions that began together drift apart. */
const JITTER = 0.2;
/** How long acknowledgements of callbacks are collected before a keepalive is sent for them. */
const ACKNOWLEDGE_AFTER_MS = 100;

/**
 * Keeps one session alive, whatever it owns: one small message every third of the lease, repeated by itself until it is
 * answered or the lease is over.
 */
export class Keepalive {
  readonly #context: Context;
  readonly #session: KeptSession;
  #lastSentMono: number;
  #cancel: Cancel | undefined;
  #dueMono = Infinity;
  #call: Call<'keepalive'> | undefined;
  #isWantedSoon = false;
  #isStopped = false;

  /** @param sentMono when the message was sent that last renewed the lease */
  constructor(context: Context, session: KeptSession, sentMono: number) {
    this.#context = context;
    this.#session = session;
    this.#lastSentMono = sentMono;
    this.#plan();
  }

  /** One within a moment, since there is something to tell. */
  soon(afterMs: number = ACKNOWLEDGE_AFTER_MS): void {
    if (this.#call) this.#isWantedSoon = true;
    else this.#sendAt(this.#context.clock.monoMs() + afterMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#call?.abandon('aborted');
  }

  #plan(): void {
    const everyMs = this.#session.ttlMs / PER_LEASE;
    this.#sendAt(this.#lastSentMono + everyMs * (1 + (Math.random() - 0.5) * JITTER));
  }

  #sendAt(mono: number): void {
    if (this.#isStopped || mono >= this.#dueMono) return;
    const { clock } = this.#context;
    this.#cancel?.();
    this.#dueMono = mono;
    this.#cancel = clock.after(mono - clock.monoMs(), () => void this.#send());
  }

  async #send(): Promise<void> {
    this.#dueMono = Infinity;
    this.#cancel = undefined;
    if (this.#isStopped || this.#session.over()) return;
    this.#lastSentMono = this.#context.clock.monoMs();
    this.#isWantedSoon = false;
    this.#call = this.#start();
    try {
      const { reply, sentMono } = await this.#call.answer;
      this.#context.store.saw(reply.rev);
      if (isSuccess(reply)) this.#session.renewed(sentMono, reply);
      else if (isSessionGone(reply)) this.#session.refused(reply);
      else this.#complain(reply.message);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      if (!this.#isStopped) this.#complain(error.message);
    }
    this.#call = undefined;
    this.#plan();
    if (this.#isWantedSoon) this.soon();
  }

  #start(): Call<'keepalive'> {
    const { subjects, router, calls } = this.#context;
    const { handle, ttlMs } = this.#session;
    // A short lease has no time for the usual patience: several attempts must fit before its deadline.
    const timeoutMs = Math.min(this.#context.timeoutMs, ttlMs / (2 * PER_LEASE));
    return calls.start({
      operation: 'keepalive',
      subject: subjects.operation(router, 'keepalive'),
      payload: encodeMessage({
        handle,
        ack: this.#session.ack(),
        mailboxAck: this.#session.handledCallback(),
        deadlineMs: worthMs(timeoutMs),
      }),
      place: { operation: 'keepalive', router },
      timeoutMs,
      longestBackoffMs: timeoutMs,
      deadlineMono: this.#session.deadlineMono(),
      guard: () => this.#session.over(),
    });
  }

  #complain(message: string): void {
    const { logger, router } = this.#context;
    logger.warn({ router, message }, 'keepalive failed');
  }
}
