import { operationsWith } from '@mgm/protocol';
import type { OperationName, RefusalFields } from '@mgm/protocol';
import type { Appointment } from './clock.ts';
import { MgmError, refusalError, withOutcome, type Outcome } from '../errors.ts';
import type { Answer, CallRequest } from './calls.ts';
import type { RollMember } from './roll.ts';

/** What an attempt came to that did not end the call. */
export type Setback =
  | { readonly kind: 'no-manager' }
  | { readonly kind: 'link-down' }
  | { readonly kind: 'refusal'; readonly refusal: RefusalFields };

const READS = operationsWith('reads');
const REPEATABLE = operationsWith('repeatable');

interface CallEnd<Name extends OperationName> {
  answered(answer: Answer<Name>): void;
  failed(error: MgmError): void;
  /** Runs first, either way. */
  over(): void;
}

/**
 * What is known about one call: which attempts are out, and which of them may have had an effect. An attempt is *open*
 * from being sent until an answer says that it came to nothing.
 */
export class LiveCall<Name extends OperationName> implements RollMember {
  readonly request: CallRequest<Name>;
  readonly isRepeatable: boolean;
  /** The moment at which it wants to be looked at again. Set by whoever starts the call. */
  appointment: Appointment | undefined;
  place: number | undefined;
  setback: Setback | undefined;
  setbacks = 0;
  readonly #startedMono: number;
  readonly #open = new Map<string, number>();
  readonly #end: CallEnd<Name>;
  #isOver = false;

  constructor(request: CallRequest<Name>, startedMono: number, end: CallEnd<Name>) {
    this.request = request;
    this.isRepeatable = REPEATABLE.has(request.operation);
    this.#startedMono = startedMono;
    this.#end = end;
  }

  get tokens(): Iterable<string> {
    return this.#open.keys();
  }

  get mayHaveHappened(): boolean {
    return this.#open.size > 0;
  }

  /** When the earliest attempt was sent that may have had an effect. */
  get firstOpenMono(): number {
    const first = this.#open.values().next();
    return first.done ? Infinity : first.value;
  }

  sent(token: string, sentMono: number): void {
    this.#open.set(token, sentMono);
  }

  /** `indeterminate` leaves the attempt open: that answer says that nobody knows. */
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

  finish(answer: Answer<Name>): void {
    if (this.#close()) this.#end.answered(answer);
  }

  fail(error: MgmError): void {
    if (this.#close()) this.#end.failed(error);
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#end.over();
    return true;
  }

  /** The error of giving up now. */
  failure(why: 'timeout' | 'aborted'): MgmError {
    if (why === 'aborted') return this.#error('aborted', 'was given up by its caller');
    if (this.#outcome === 'unknown') return this.#unanswered();
    const { setback } = this;
    if (setback?.kind === 'refusal') return refusalError(setback.refusal, this.request.place);
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
    return this.#error('bad-reply', `was answered with something that ${fault}`);
  }

  notPermitted(operation: 'publish' | 'subscription', subject: string): MgmError {
    const what = operation === 'publish' ? 'publish to' : 'subscribe to';
    const error = this.#error(
      'not-permitted',
      `failed: NATS does not let this user ${what} ${subject}`,
    );
    return operation === 'publish' ? withOutcome(error, 'not-done') : error;
  }

  closed(): MgmError {
    return this.#error('closed', 'was cut short: the client was closed');
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
    const { operation, place } = this.request;
    const retryable = RETRYABLE.has(reason);
    const message = reason === 'unavailable' ? text : `\`${operation}\` on ${this.#router} ${text}`;
    return new MgmError(message, { ...place, reason, outcome: this.#outcome, retryable });
  }

  get #outcome(): Outcome {
    return this.mayHaveHappened && !READS.has(this.request.operation) ? 'unknown' : 'not-done';
  }

  get #router(): string {
    return this.request.subject.slice(0, -this.request.operation.length - 1);
  }

  #inTime(text: string): string {
    return `${text} within ${Math.round(this.request.deadlineMono - this.#startedMono)} ms`;
  }
}

const RETRYABLE: ReadonlySet<string> = new Set(['timeout', 'unavailable', 'indeterminate']);
