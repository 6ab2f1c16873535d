import { operationsWith } from '@mgm/protocol';
import type { OperationName, RefusalFields, Reply } from '@mgm/protocol';
import { MgmError, refusalError, withOutcome, type ErrorOrigin, type Outcome } from '../errors.ts';
import type { Appointment } from './clock.ts';
import { isRefusal } from './messages.ts';
import type { RequestSpan, TraceContext } from './observers.ts';

/** One request; its bytes are the same in every attempt. */
export interface CallRequest<Name extends OperationName> {
  readonly operation: Name;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** For error messages. */
  readonly origin: ErrorOrigin;
  /** The longest wait of one attempt for its reply before the next; see `Repeats`. */
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
export type Setback =
  | { readonly kind: 'no-manager' }
  | { readonly kind: 'link-down' }
  | { readonly kind: 'refusal'; readonly refusal: RefusalFields };

const READS = operationsWith('reads');
const REPEATABLE = operationsWith('repeatable');
/** Timers may fire this much early. */
const TIMER_ERROR_MS = 2;

const RETRYABLE: ReadonlySet<string> = new Set(['timeout', 'unavailable', 'indeterminate']);

/** What a call came to. */
export interface CallOutcome {
  /** `ok`, or the reason of the refusal or error. */
  readonly result: string;
  /** Whether it has no reply that ends it. */
  readonly hasFailed: boolean;
}

type EndCall = (call: Call<OperationName>, outcome: CallOutcome, settle: () => void) => void;

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
 * The `deadlineMs` of a request: how long a manager should find it worth executing, which is until the client sends the
 * next copy. Rounded up, because the wire has whole milliseconds only.
 */
export function worthMs(timeoutMs: number): number {
  return Math.ceil(timeoutMs);
}
