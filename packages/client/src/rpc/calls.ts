import type { OperationName, Reply } from '@mgm/protocol';
import { backoffMs } from './backoff.ts';
import { BriefMap } from './brief-map.ts';
import type { Agenda, Clock } from './clock.ts';
import { MgmError, type ErrorPlace } from '../errors.ts';
import { LiveCall, type Setback } from './live-call.ts';
import { decodeReply, isRefusal } from './replies.ts';
import { Roll } from './roll.ts';
import type { Incoming, LinkState, Transport } from './transport.ts';

/** One request, whose bytes are the same however often it is sent. */
export interface CallRequest<Name extends OperationName> {
  readonly operation: Name;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** For error messages. */
  readonly place: ErrorPlace;
  /** How long one attempt waits for its reply before the next. */
  readonly timeoutMs: number;
  /** When the call gives up. */
  readonly deadlineMono: number;
  /** The longest wait between attempts. Default 1 s. */
  readonly longestBackoffMs?: number;
  /** Asked before each attempt: an error ends the call and nothing more is sent. */
  readonly guard?: () => MgmError | undefined;
}

/** A reply, and the moment before which the attempts had not been sent that may have led to it. */
export interface Answer<Name extends OperationName> {
  readonly reply: Reply<Name>;
  /** When the attempt was sent that this reply answers. */
  readonly sentMono: number;
  /** When the first attempt was sent whose fate is not known to be "nothing happened". */
  readonly firstSentMono: number;
}

/** A request on its way. */
export interface Call<Name extends OperationName> {
  /** The final answer, also a refusal. Rejects with {@link MgmError} where there is none. */
  readonly answer: Promise<Answer<Name>>;
  /** What giving up now would have to be called, for whoever waits for a part of this call only. */
  failure(why: 'timeout' | 'aborted'): MgmError;
  /** Stops sending and waiting; `answer` rejects with {@link failure}. */
  abandon(why: 'timeout' | 'aborted'): void;
}

type AnyCall = LiveCall<OperationName>;

interface Attempt {
  readonly call: AnyCall;
  readonly sentMono: number;
}

/**
 * All calls over one connection: one reply subject, one map of attempts, one timer. Each attempt has a reply subject of
 * its own, so that a late reply still counts and it is known which attempt it answers.
 *
 * A call is waiting (for its reply, for the end of a pause, or for the connection) until it is over; it is never
 * sent while the connection is down. It is repeated after silence, and after an answer that says nothing happened
 * (no manager listens, `unavailable`, `overloaded`) or that repeating tells (`indeterminate`).
 */
export class Calls {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #agenda: Agenda;
  readonly #live = new Roll<AnyCall>();
  readonly #attempts = new BriefMap<string, Attempt>();
  readonly #prefix: string;
  readonly #endInbox: () => void;
  #lastToken = 0;
  #closed = false;

  constructor(transport: Transport, clock: Clock, agenda: Agenda) {
    this.#transport = transport;
    this.#clock = clock;
    this.#agenda = agenda;
    this.#prefix = `${transport.inbox}.`;
    this.#endInbox = transport.subscribe(`${transport.inbox}.*`, (reply) => this.#onReply(reply));
    transport.listen({
      onState: (state) => this.#onLink(state),
      onForbidden: (operation, subject) => this.#onForbidden(operation, subject),
    });
  }

  get pending(): number {
    return this.#live.size;
  }

  start<Name extends OperationName>(request: CallRequest<Name>): Call<Name> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<Name>>();
    const call = new LiveCall(request, this.#clock.monoMs(), {
      answered: resolve,
      failed: reject,
      over: () => this.#forget(call),
    });
    this.#live.add(call);
    call.appointment = this.#agenda.at(request.deadlineMono, () => this.#attempt(call));
    if (this.#closed) call.fail(call.closed());
    else this.#attempt(call);
    return {
      answer: promise,
      failure: (why) => call.failure(why),
      abandon: (why) => call.fail(call.failure(why)),
    };
  }

  /** Ends every call; nothing is sent any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endInbox();
    for (const call of [...this.#live]) call.fail(call.closed());
  }

  #attempt(call: AnyCall): void {
    if (!this.#live.has(call)) return;
    if (this.#clock.monoMs() >= call.request.deadlineMono)
      return call.fail(call.failure('timeout'));
    const refused = call.request.guard?.();
    if (refused) return call.fail(call.withItsOutcome(refused));
    if (this.#transport.state !== 'up') {
      call.setback = { kind: 'link-down' };
      return this.#wakeAfter(call, Infinity);
    }
    const token = (++this.#lastToken).toString(36);
    const attempt = { call, sentMono: this.#clock.monoMs() };
    try {
      this.#transport.publish(call.request.subject, call.request.payload, this.#prefix + token);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      return call.fail(call.withItsOutcome(error));
    }
    this.#attempts.set(token, attempt);
    call.sent(token, attempt.sentMono);
    this.#wakeAfter(call, call.isRepeatable ? call.request.timeoutMs : Infinity);
  }

  #wakeAfter(call: AnyCall, delayMs: number): void {
    const wakeMono = Math.min(this.#clock.monoMs() + delayMs, call.request.deadlineMono);
    if (call.appointment) this.#agenda.move(call.appointment, wakeMono);
  }

  #onReply(message: Incoming): void {
    const token = message.subject.slice(this.#prefix.length);
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    const { call, sentMono } = attempt;
    if (message.noResponders) return this.#setBack(call, token, { kind: 'no-manager' });
    const decoded = decodeReply(call.request.operation, message.data);
    if (decoded.kind === 'malformed') return call.fail(call.badReply(decoded.fault));
    const { reply } = decoded;
    if (isRefusal(reply) && call.isWorthRepeating(reply)) {
      return this.#setBack(call, token, { kind: 'refusal', refusal: reply });
    }
    call.finish({ reply, sentMono, firstSentMono: Math.min(call.firstOpenMono, sentMono) });
  }

  /** An attempt was answered, but not so that it ends the call. */
  #setBack(call: AnyCall, token: string, setback: Setback): void {
    this.#attempts.delete(token);
    call.setBack(token, setback);
    const askedMs = setback.kind === 'refusal' ? setback.refusal.retryAfterMs : 0;
    this.#wakeAfter(call, backoffMs(++call.setbacks, askedMs, call.request.longestBackoffMs));
  }

  /** What was in flight when the connection broke may or may not have arrived: it is repeated on the new one. */
  #onLink(state: LinkState): void {
    if (state === 'closed') return this.close();
    for (const call of [...this.#live]) {
      if (state === 'up' && (call.isRepeatable || !call.mayHaveHappened)) this.#attempt(call);
      if (state === 'down') call.setback = { kind: 'link-down' };
    }
  }

  #onForbidden(operation: 'publish' | 'subscription', subject: string): void {
    const noReplies = operation === 'subscription' && subject.startsWith(this.#prefix);
    for (const call of [...this.#live]) {
      const notSent = operation === 'publish' && subject === call.request.subject;
      if (notSent || noReplies) call.fail(call.notPermitted(operation, subject));
    }
  }

  #forget(call: AnyCall): void {
    this.#live.delete(call);
    this.#agenda.remove(call.appointment);
    for (const token of call.tokens) this.#attempts.delete(token);
  }
}
