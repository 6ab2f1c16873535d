import { encodeMessage, forwardingOperations, membershipOperations } from '@mgm/protocol';
import type { OperationName } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import { Call, type CallOutcome, type CallRequest, type Setback } from './call.ts';
import { backoffMs, type Agenda, type Clock } from './clock.ts';
import { decodeReply, isRefusal } from './messages.ts';
import type { CallObservers, RequestMeasurement } from './observers.ts';
import { Repeats } from './repeats.ts';
import type { Incoming, LinkState, Transport } from './transport.ts';

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
  /** The operation that a manager answered last, and the last one before it that was another operation; with the times. */
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
