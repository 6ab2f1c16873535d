import {
  encodeMessage,
  forwardingOperations,
  membershipOperations,
  operationsWith,
} from '@mgm/protocol';
import type { OperationName, RefusalFields, Reply } from '@mgm/protocol';
import { MgmError, refusalError, withOutcome, type ErrorOrigin, type Outcome } from '../errors.ts';
import { backoffMs, type Agenda, type Appointment, type Clock } from './clock.ts';
import { Repeats } from './repeats.ts';
import type { RequestMeasurement } from './measure.ts';
import { decodeReply, isRefusal } from './messages.ts';
import type { RequestSpan, RequestTracer, TraceContext } from './tracing.ts';
import type { Incoming, LinkState, Transport } from './transport.ts';

/** One request; its bytes are the same in every attempt. */
export interface CallRequest<Name extends OperationName> {
  readonly operation: Name;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** For error messages. */
  readonly origin: ErrorOrigin;
  /** The longest wait of one attempt for its reply before the next; see {@link Repeats}. */
  readonly timeoutMs: number;
  /** The wait before a repeat of a request that must not wait longer, in ms. */
  readonly repeatEveryMs?: number;
  /** From then on the request is repeated at this interval, ahead of others. */
  readonly urgent?: { readonly fromMono: number; readonly everyMs: number };
  /**
   * Repeats an operation that has no `seq`, because these fields allow it one effect at most. A refusal of a repeat does not
   * say whether an earlier attempt had the effect.
   */
  readonly atMostOnce?: boolean;
  /** When the call fails. */
  readonly deadlineMono: number;
  /** The longest wait between attempts that were answered. Default 1 s. */
  readonly longestBackoffMs?: number;
  /** The contexts of the callers who share the request, where requests are traced. */
  readonly traces?: readonly TraceContext[];
  /** Called before each attempt: a returned error fails the call and nothing more is sent. */
  readonly guard?: () => MgmError | undefined;
}

/** A reply, and when the attempts were sent that may have led to it. */
export interface CallResult<Name extends OperationName> {
  readonly reply: Reply<Name>;
  /** When the attempt was sent that this reply answers. */
  readonly sentMono: number;
  /** When the first attempt was sent that may have been executed. */
  readonly firstSentMono: number;
}

/** What an attempt that did not end the call came to. */
type Setback =
  | { readonly kind: 'no-manager' }
  | { readonly kind: 'link-down' }
  | { readonly kind: 'refusal'; readonly refusal: RefusalFields };

const READS = operationsWith('reads');
const REPEATABLE = operationsWith('repeatable');

/** Timers may fire this much early. */
const TIMER_ERROR_MS = 2;

const RETRYABLE: ReadonlySet<string> = new Set(['timeout', 'unavailable', 'indeterminate']);

/** Operations that managers of the first release do not know. */
const MAY_BE_UNKNOWN: ReadonlySet<string> = new Set(
  Object.keys({ ...membershipOperations, ...forwardingOperations }),
);

/** The last answer to one operation. */
interface Answered {
  readonly operation: OperationName;
  readonly atMono: number;
}

interface Attempt {
  readonly call: PendingCall;
  readonly sentMono: number;
}

type PendingCall = Call<OperationName>;

/** What a call came to. */
interface CallOutcome {
  /** `ok`, or the reason of the refusal or error. */
  readonly result: string;
  /** Whether it has no reply that ends it. */
  readonly hasFailed: boolean;
}

type EndCall = (call: PendingCall, outcome: CallOutcome, settle: () => void) => void;

/** Who observes calls. */
export interface CallObservers {
  readonly tracer?: RequestTracer | undefined;
  readonly measure?: ((measurement: RequestMeasurement) => void) | undefined;
}

/** How a call settles its result. */
interface Settle<Name extends OperationName> {
  resolve(result: CallResult<Name>): void;
  reject(error: MgmError): void;
}

/**
 * The state of one call: which attempts were sent, and which of them may have been executed. An attempt is *open* from
 * being sent until a reply says that it was not executed.
 */
export class Call<Name extends OperationName> {
  readonly request: CallRequest<Name>;
  /** The final reply, also a refusal. Rejects with {@link MgmError} if there is none. */
  readonly result: Promise<CallResult<Name>>;
  readonly isRepeatable: boolean;
  /** When the call acts again by itself. */
  appointment: Appointment | undefined;
  setback: Setback | undefined;
  setbacks = 0;
  /** When NATS first replied that no manager listens on the subject; since then there was no other reply. */
  unheardMono: number | undefined;
  /** Whether the last attempt has neither a reply nor failed. */
  isWaiting = false;
  /** How many attempts were sent. */
  attempts = 0;
  /** How long the reply to the attempt took that was answered last, in ms. */
  roundTripMs: number | undefined;
  /** The span of the request, if it is traced. */
  readonly span: RequestSpan | undefined;
  #lastSentMono = -Infinity;
  readonly #settle: Settle<Name>;
  readonly startedMono: number;
  readonly #open = new Map<string, number>();
  readonly #end: EndCall;

  constructor(
    request: CallRequest<Name>,
    startedMono: number,
    span: RequestSpan | undefined,
    end: EndCall,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<CallResult<Name>>();
    this.request = request;
    this.result = promise;
    this.isRepeatable = REPEATABLE.has(request.operation) || request.atMostOnce === true;
    this.#settle = { resolve, reject };
    this.startedMono = startedMono;
    this.span = span;
    this.#end = end;
  }

  /** The reply subjects' tokens of the open attempts. */
  get tokens(): Iterable<string> {
    return this.#open.keys();
  }

  get mayHaveHappened(): boolean {
    return this.#open.size > 0;
  }

  /** When the earliest open attempt was sent. */
  get firstOpenMono(): number {
    const first = this.#open.values().next();
    return first.done ? Infinity : first.value;
  }

  sent(token: string, sentMono: number): void {
    this.attempts++;
    this.isWaiting = true;
    this.#lastSentMono = sentMono;
    this.#open.set(token, sentMono);
  }

  isUrgent(nowMono: number): boolean {
    const { urgent } = this.request;
    return urgent !== undefined && nowMono >= urgent.fromMono;
  }

  /** Whether the last attempt has waited for the whole timeout, as far as timers are exact. */
  hasTimedOut(nowMono: number): boolean {
    return nowMono - this.#lastSentMono >= this.request.timeoutMs - TIMER_ERROR_MS;
  }

  /** The refusal of a repeat, if an attempt without a reply may have had the effect and so be the cause of the refusal. */
  doubtful(token: string, refusal: RefusalFields): MgmError | undefined {
    const others = this.#open.size - (this.#open.has(token) ? 1 : 0);
    if (this.request.atMostOnce !== true || others === 0) return undefined;
    const what = `\`${this.request.operation}\` on ${this.#router} was refused`;
    const message = `${what} (${refusal.message || refusal.reason}), but an earlier attempt had no reply and may have done it`;
    return refusalError({ ...refusal, message }, this.request.origin, 'unknown');
  }

  /** `indeterminate` leaves the attempt open: the manager itself does not know whether it was executed. */
  setBack(token: string, setback: Setback): void {
    this.setback = setback;
    this.setbacks++;
    const isUnknown = setback.kind === 'refusal' && setback.refusal.reason === 'indeterminate';
    if (!isUnknown) this.#open.delete(token);
  }

  isWorthRepeating(refusal: RefusalFields): boolean {
    if (refusal.reason === 'indeterminate') return this.isRepeatable;
    return refusal.retryable === true;
  }

  finish(result: CallResult<Name>): void {
    const { reply } = result;
    const outcome = { result: isRefusal(reply) ? reply.reason : 'ok', hasFailed: false };
    this.#end(this, outcome, () => this.#settle.resolve(result));
  }

  fail(error: MgmError): void {
    const outcome = { result: error.reason, hasFailed: true };
    this.#end(this, outcome, () => this.#settle.reject(error));
  }

  /** Stops sending and waiting; `result` rejects with {@link failure}. */
  abandon(why: 'timeout' | 'aborted'): void {
    this.fail(this.failure(why));
  }

  /** The error of giving up now. */
  failure(why: 'timeout' | 'aborted'): MgmError {
    if (why === 'aborted') return this.#error('aborted', 'was aborted by its caller');
    if (this.#outcome === 'unknown') return this.#unanswered();
    const { setback } = this;
    if (setback?.kind === 'refusal') return refusalError(setback.refusal, this.request.origin);
    if (setback?.kind === 'no-manager')
      return this.#unavailable(`no manager is running on ${this.#router}`);
    if (setback?.kind === 'link-down') return this.#unavailable('NATS is not connected');
    return this.#error('timeout', this.#inTime('was not answered'));
  }

  /** The same error, with the outcome that the attempts of this call leave possible. */
  withItsOutcome(error: MgmError): MgmError {
    return error.outcome === this.#outcome ? error : withOutcome(error, this.#outcome);
  }

  badReply(fault: string): MgmError {
    return this.#error('bad-reply', `got an invalid reply: it ${fault}`);
  }

  notPermitted(operation: 'publish' | 'subscription', subject: string): MgmError {
    const what = operation === 'publish' ? 'publish to' : 'subscribe to';
    const error = this.#error(
      'not-permitted',
      `failed: NATS does not let this user ${what} ${subject}`,
    );
    return operation === 'publish' ? withOutcome(error, 'not-done') : error;
  }

  notSupported(): MgmError {
    const text = 'is not known to the running managers, which answer other operations';
    return this.#error('not-supported', text);
  }

  closed(): MgmError {
    return this.#error('closed', 'failed: the client is closed');
  }

  /** The only attempt of a request that must not be repeated has had no reply for its whole timeout. */
  unknown(): MgmError {
    const text =
      'was not answered and must not be repeated; it may have happened: read the state first';
    return this.#error('indeterminate', text);
  }

  #unanswered(): MgmError {
    const refusal = this.setback?.kind === 'refusal' ? this.setback.refusal : undefined;
    const reason = refusal?.reason === 'indeterminate' ? 'indeterminate' : 'timeout';
    return this.#error(reason, `${this.#inTime('was not answered')}; it may have happened`);
  }

  #unavailable(message: string): MgmError {
    return this.#error('unavailable', message);
  }

  #error(reason: MgmError['reason'], text: string): MgmError {
    const { operation, origin } = this.request;
    const isSafe = this.isRepeatable || !this.mayHaveHappened;
    const retryable = RETRYABLE.has(reason) && isSafe;
    const message = reason === 'unavailable' ? text : `\`${operation}\` on ${this.#router} ${text}`;
    return new MgmError(message, { ...origin, reason, outcome: this.#outcome, retryable });
  }

  get #outcome(): Outcome {
    return this.mayHaveHappened && !READS.has(this.request.operation) ? 'unknown' : 'not-done';
  }

  get #router(): string {
    return this.request.subject.slice(0, -this.request.operation.length - 1);
  }

  #inTime(text: string): string {
    return `${text} within ${Math.round(this.request.deadlineMono - this.startedMono)} ms`;
  }
}

/**
 * All calls over one connection: one reply inbox, one map of attempts, one timer. Each attempt has a reply subject of
 * its own, so that a late reply still counts and the client knows which attempt it answers.
 *
 * Until it is over, a call waits for its reply, for the end of a backoff, or for the connection; nothing is sent while
 * the connection is down. The request is repeated after silence, after a reply that says it was not executed (no
 * manager listens, `unavailable`, `overloaded`), and after `indeterminate`, because the repeated request's reply
 * resolves that.
 */
export class Calls {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #agenda: Agenda;
  readonly #observers: CallObservers;
  readonly #pending = new Set<PendingCall>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #repeats: Repeats;
  readonly #prefix: string;
  readonly #inboxSubject: string;
  readonly #endInbox: () => void;
  #lastToken = 0;
  #closed = false;
  /** When an operation was last answered by a manager; and the same of another operation than that one. */
  #answered: Answered | undefined;
  #answeredOther: Answered | undefined;
  /** The server does not let this user subscribe to the inbox: a request would have no reply. */
  #isInboxForbidden = false;

  constructor(transport: Transport, clock: Clock, agenda: Agenda, observers: CallObservers = {}) {
    this.#transport = transport;
    this.#clock = clock;
    this.#agenda = agenda;
    this.#observers = observers;
    this.#repeats = new Repeats(clock.monoMs());
    this.#prefix = `${transport.inbox}.`;
    this.#inboxSubject = `${transport.inbox}.*`;
    this.#endInbox = transport.subscribe(this.#inboxSubject, (reply) => this.#onReply(reply));
    transport.listen({
      onState: (state) => this.#onLink(state),
      onForbidden: (operation, subject) => this.#onForbidden(operation, subject),
    });
  }

  start<Name extends OperationName>(request: CallRequest<Name>): Call<Name> {
    const { operation, subject, traces } = request;
    const span = this.#observers.tracer?.start(operation, subject, traces);
    const call = new Call(request, this.#clock.monoMs(), span, (...ended) => this.#end(...ended));
    this.#pending.add(call);
    call.appointment = this.#agenda.at(request.deadlineMono, () => this.#onDue(call));
    if (this.#closed) call.fail(call.closed());
    else this.#attempt(call);
    return call;
  }

  /** Fails every pending call; nothing more is sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endInbox();
    for (const call of [...this.#pending]) call.fail(call.closed());
  }

  /** A backoff is over, or the last attempt has no reply: then the next one needs a part of the budget. */
  #onDue(call: PendingCall): void {
    const nowMono = this.#clock.monoMs();
    const isUnanswered = call.isWaiting && nowMono < call.request.deadlineMono;
    if (isUnanswered && !call.isRepeatable) return call.fail(call.unknown());
    if (!isUnanswered || call.hasTimedOut(nowMono)) return this.#attempt(call);
    if (this.#repeats.take(nowMono, call.isUrgent(nowMono))) return this.#attempt(call);
    this.#wakeAfter(call, this.#waitMs(call));
  }

  #attempt(call: PendingCall): void {
    if (!this.#pending.has(call)) return;
    if (this.#clock.monoMs() >= call.request.deadlineMono) return call.abandon('timeout');
    if (this.#isInboxForbidden)
      return call.fail(call.notPermitted('subscription', this.#inboxSubject));
    const refused = call.request.guard?.();
    if (refused) return call.fail(call.withItsOutcome(refused));
    if (this.#transport.state !== 'up') {
      call.setback = { kind: 'link-down' };
      return this.#wakeAfter(call, Infinity);
    }
    const token = (++this.#lastToken).toString(36);
    const attempt = { call, sentMono: this.#clock.monoMs() };
    try {
      const { subject, payload } = call.request;
      this.#transport.publish(subject, payload, this.#prefix + token, call.span?.headers);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      return call.fail(call.withItsOutcome(error));
    }
    this.#attempts.set(token, attempt);
    call.sent(token, attempt.sentMono);
    this.#wakeAfter(call, call.isRepeatable ? this.#waitMs(call) : call.request.timeoutMs);
  }

  /** How long the call waits for a reply before it is repeated. A call that becomes urgent meanwhile is repeated then. */
  #waitMs(call: PendingCall): number {
    const { timeoutMs, repeatEveryMs, urgent } = call.request;
    const nowMono = this.#clock.monoMs();
    if (urgent && nowMono >= urgent.fromMono) return urgent.everyMs;
    const waitMs = this.#repeats.waitMs(call.attempts, timeoutMs, repeatEveryMs);
    return Math.min(waitMs, urgent ? urgent.fromMono - nowMono : Infinity);
  }

  #wakeAfter(call: PendingCall, delayMs: number): void {
    const wakeMono = Math.min(this.#clock.monoMs() + delayMs, call.request.deadlineMono);
    if (call.appointment) this.#agenda.move(call.appointment, wakeMono);
  }

  #onReply(message: Incoming): void {
    const token = message.subject.slice(this.#prefix.length);
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    const { call, sentMono } = attempt;
    call.isWaiting = false;
    if (message.noResponders) return this.#onNoManager(attempt, token);
    call.roundTripMs = this.#clock.monoMs() - sentMono;
    this.#repeats.answered(call.roundTripMs);
    this.#noteAnswer(call);
    const decoded = decodeReply(call.request.operation, message.data);
    if (decoded.kind === 'malformed') return call.fail(call.badReply(decoded.fault));
    const { reply } = decoded;
    if (isRefusal(reply) && call.isWorthRepeating(reply)) {
      return this.#setBack(call, token, { kind: 'refusal', refusal: reply });
    }
    const doubt = isRefusal(reply) ? call.doubtful(token, reply) : undefined;
    if (doubt) return call.fail(doubt);
    call.finish({ reply, sentMono, firstSentMono: Math.min(call.firstOpenMono, sentMono) });
  }

  #noteAnswer(call: PendingCall): void {
    const { operation } = call.request;
    call.unheardMono = undefined;
    if (this.#answered?.operation !== operation) this.#answeredOther = this.#answered;
    this.#answered = { operation, atMono: this.#clock.monoMs() };
  }

  /**
   * NATS replies that no manager listens. If a manager has answered another operation since the first such reply, and this
   * attempt was sent after that, then the managers do not know this operation. To find out, one that all of them know is
   * sent, too.
   */
  #onNoManager({ call, sentMono }: Attempt, token: string): void {
    const { operation } = call.request;
    const other = this.#answered?.operation === operation ? this.#answeredOther : this.#answered;
    const { unheardMono } = call;
    if (
      unheardMono !== undefined &&
      other &&
      other.atMono > unheardMono &&
      sentMono > other.atMono
    ) {
      this.#attempts.delete(token);
      call.setBack(token, { kind: 'no-manager' });
      return call.fail(call.notSupported());
    }
    call.unheardMono ??= this.#clock.monoMs();
    this.#setBack(call, token, { kind: 'no-manager' });
    if (MAY_BE_UNKNOWN.has(operation) && unheardMono === undefined) this.#probe(call);
  }

  #probe({ request: { subject, operation, timeoutMs } }: PendingCall): void {
    const router = subject.slice(0, -operation.length);
    const probe = this.start({
      operation: 'interfaces',
      subject: `${router}interfaces`,
      payload: encodeMessage({ limit: 1, deadlineMs: Math.ceil(timeoutMs) }),
      origin: { operation: 'interfaces' },
      timeoutMs,
      deadlineMono: this.#clock.monoMs() + timeoutMs,
    });
    // Only whether it is answered matters.
    probe.result.catch(() => {});
  }

  /** An attempt was answered in a way that does not end the call. */
  #setBack(call: PendingCall, token: string, setback: Setback): void {
    this.#attempts.delete(token);
    call.setBack(token, setback);
    const askedMs = setback.kind === 'refusal' ? setback.refusal.retryAfterMs : 0;
    this.#wakeAfter(call, backoffMs(call.setbacks, askedMs, call.request.longestBackoffMs));
  }

  /** Requests in flight when the connection broke may or may not have arrived: they are repeated on the new one. */
  #onLink(state: LinkState): void {
    if (state === 'closed') return this.close();
    for (const call of [...this.#pending]) {
      if (state === 'up' && (call.isRepeatable || !call.mayHaveHappened)) this.#attempt(call);
      if (state === 'down') call.setback = { kind: 'link-down' };
    }
  }

  #onForbidden(operation: 'publish' | 'subscription', subject: string): void {
    const noReplies = operation === 'subscription' && subject === this.#inboxSubject;
    if (noReplies) this.#isInboxForbidden = true;
    for (const call of [...this.#pending]) {
      const notSent = operation === 'publish' && subject === call.request.subject;
      if (notSent || noReplies) call.fail(call.notPermitted(operation, subject));
    }
  }

  #end(call: PendingCall, outcome: CallOutcome, settle: () => void): void {
    if (!this.#pending.delete(call)) return;
    this.#agenda.remove(call.appointment);
    for (const token of call.tokens) this.#attempts.delete(token);
    call.span?.end(outcome.result, call.attempts, outcome.hasFailed);
    if (this.#observers.measure) this.#measure(call, outcome, this.#observers.measure);
    settle();
  }

  #measure(
    { request, startedMono, roundTripMs, attempts }: PendingCall,
    { result }: CallOutcome,
    measure: (measurement: RequestMeasurement) => void,
  ): void {
    const { operation, subject } = request;
    measure({
      kind: 'request',
      router: request.origin.router ?? subject,
      operation,
      result,
      durationMs: this.#clock.monoMs() - startedMono,
      roundTripMs,
      retries: Math.max(0, attempts - 1),
    });
  }
}
