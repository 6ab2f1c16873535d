import type { Epoch, InterfaceKey, RefusalFields } from '@mgm/protocol';
import type { Agenda, Clock } from './clock.ts';
import { MgmError, placedAt, refusalError, type ErrorPlace } from './errors.ts';
import { Gather, type BatchSender, type Change, type ItemAnswer } from './gather.ts';
import { keyText } from './interface-key.ts';
import {
  cutShort,
  givenUp,
  isCertain,
  type Caller,
  type Operation,
} from './interface-operation.ts';
import { InterfaceOrder } from './interface-order.ts';
import type { Logger } from './logger.ts';
import { isSessionGone } from './replies.ts';
import { checkedLimits, type CallLimits, type CallOptions } from './options.ts';
import type { Sequence } from './sequence.ts';
import { settle } from './settling.ts';

/** What the operations on the interfaces of one session need around them. */
export interface InterfaceCallsHost {
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly logger: Logger;
  readonly sequence: Sequence;
  readonly sender: BatchSender;
  readonly router: string;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** Why nothing may be sent any more; `undefined` while the session lives, by the clock as it is now. */
  over(): MgmError | undefined;
  /** Why nothing new is accepted, although the session lives. */
  closing(): MgmError | undefined;
  /** The manager does not know the session any more. */
  refused(refusal: RefusalFields): void;
  /** An operation's turn has come. */
  starting(change: Change, key: InterfaceKey): void;
  /** Nothing is under way on this interface any more. */
  settled(key: InterfaceKey): void;
}

/** Limits of an operation, and what the session knows of the interface. */
export interface OperationOptions extends CallOptions {
  /** A take: the epoch under which this client had it until the store lost data. */
  readonly had?: Epoch | undefined;
}

/** Operations of one session that may wait at once; one more is refused as `overloaded`. */
const OPERATIONS_MAX = 65_536;

/**
 * Takes and releases of one session.
 *
 * An operation runs in turn with the others on its interface, is sent with those of its turn of the event loop, and is
 * over when it was answered. If its caller goes away first (deadline or `AbortSignal`), the caller is told at once and
 * the operation becomes the session's to *settle*:
 *
 * - a take not sent yet is dropped: nothing can have happened;
 * - a take sent and then answered `taken` is given back, since nobody will ever use it;
 * - a take sent and abandoned: once `ack` has passed its number it can't happen any more, and a release undoes it if it
 *   had happened;
 * - a release goes on, sent or not: this side has stopped acting on the interface already.
 *
 * Settling means to release until a manager confirmed that the session is not on the interface. Until then the interface's
 * turn is not passed on, so nothing that the caller does next can be undone by that release. The end of the session
 * settles everything, since its interfaces end with it.
 */
export class InterfaceCalls {
  readonly #host: InterfaceCallsHost;
  readonly #gather: Gather;
  readonly #order = new InterfaceOrder<Operation>();
  #idle: PromiseWithResolvers<void> | undefined;
  #size = 0;
  #isOver = false;

  constructor(host: InterfaceCallsHost) {
    this.#host = host;
    this.#gather = new Gather(host.sender);
  }

  isBusy(key: InterfaceKey): boolean {
    return this.#order.isBusy(keyText(key));
  }

  /** Resolves when nothing is under way, settling included. */
  async idle(): Promise<void> {
    if (this.#size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /**
   * Takes or releases one interface. `done` runs at once when the answer is there, in the same turn, so that no message
   * that follows it comes in between. Rejects with {@link MgmError}.
   */
  submit<Result>(
    change: Change,
    key: InterfaceKey,
    group: number,
    options: OperationOptions,
    done: (epoch: Epoch | undefined) => Result,
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const caller: Caller = { done: (epoch) => resolve(done(epoch)), failed: reject };
    try {
      this.#accept(change, key, group, options, caller);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** The session is over: nothing more is sent, and every caller is told. */
  end(reason: MgmError): void {
    this.#isOver = true;
    for (const operation of [...this.#order.all()]) {
      const wasSent = this.#gather.isSent(operation);
      this.#fail(operation, cutShort(reason, this.#placeOf(operation), wasSent));
    }
    this.#gather.end(reason);
    this.#idle?.resolve();
  }

  /** Throws {@link MgmError} where it is refused; then nothing of it is left. */
  #accept(
    change: Change,
    key: InterfaceKey,
    group: number,
    options: OperationOptions,
    caller: Caller,
  ): void {
    const place = { operation: change, router: this.#host.router, interface: key };
    const limits = checkedLimits(options, this.#host, place);
    const refused = this.#refusal(place, options.signal);
    if (refused) throw refused;
    const operation = this.#newOperation({ change, key, group, had: options.had }, limits, caller);
    this.#size++;
    this.#listen(operation, options.signal);
    if (this.#order.enter(operation)) this.#start(operation);
  }

  #refusal(place: ErrorPlace, signal: AbortSignal | undefined): MgmError | undefined {
    const over = this.#host.over() ?? this.#host.closing();
    if (over) return cutShort(over, place, false);
    if (signal?.aborted) return givenUp('aborted', place);
    if (this.#size < OPERATIONS_MAX) return undefined;
    return new MgmError(`${OPERATIONS_MAX} operations of this session wait already`, {
      ...place,
      reason: 'overloaded',
      outcome: 'not-done',
      retryable: true,
    });
  }

  #newOperation(
    what: Pick<Operation, 'change' | 'key' | 'group' | 'had'>,
    { timeoutMs, deadlineMs }: CallLimits,
    caller: Caller,
  ): Operation {
    const operation: Operation = {
      ...what,
      keyText: keyText(what.key),
      timeoutMs,
      deadlineMono: this.#host.clock.monoMs() + deadlineMs,
      answered: (answer) => this.#answered(operation, answer),
      caller,
      stage: 'waiting',
    };
    return operation;
  }

  /** From now on the deadline and the caller's signal detach the caller. */
  #listen(operation: Operation, signal: AbortSignal | undefined): void {
    const { agenda } = this.#host;
    const appointment = agenda.at(operation.deadlineMono, () => this.#detach(operation, 'timeout'));
    operation.unlisten = () => agenda.remove(appointment);
    if (!signal) return;
    const onAbort = (): void => this.#detach(operation, 'aborted');
    signal.addEventListener('abort', onAbort, { once: true });
    operation.unlisten = () => {
      agenda.remove(appointment);
      signal.removeEventListener('abort', onAbort);
    };
  }

  #start(operation: Operation): void {
    operation.stage = 'started';
    this.#host.starting(operation.change, operation.key);
    this.#gather.add(operation);
  }

  #detach(operation: Operation, why: 'timeout' | 'aborted'): void {
    const place = this.#placeOf(operation);
    const failure = this.#gather.failure(operation, why);
    this.#fail(operation, failure ? placedAt(failure, place) : givenUp(why, place));
    if (operation.change === 'release') return;
    const wasSent = this.#gather.isSent(operation);
    if (operation.stage === 'started') this.#gather.drop(operation, why);
    if (!wasSent) this.#leave(operation);
  }

  #answered(operation: Operation, answer: ItemAnswer): void {
    if (this.#isOver) return;
    const { caller } = operation;
    if (caller && answer.kind === 'done' && !this.#host.over()) {
      this.#dismiss(operation);
      caller.done(answer.epoch);
      return this.#leave(operation);
    }
    this.#fail(operation, this.#errorFor(operation, answer));
    if (answer.kind === 'refused' && isSessionGone(answer.refusal))
      this.#host.refused(answer.refusal);
    if (this.#isOver) return;
    if (isCertain(operation.change, answer)) return this.#leave(operation);
    void this.#settle(operation, answer);
  }

  /** The interface's turn is passed on when it is certain that the session is not on it. */
  async #settle(operation: Operation, answer: ItemAnswer): Promise<void> {
    await settle(operation, answer, {
      ...this.#host,
      gather: this.#gather,
      isOver: () => this.#isOver,
    });
    if (!this.#isOver) this.#leave(operation);
  }

  #errorFor(operation: Operation, answer: ItemAnswer): MgmError {
    const place = this.#placeOf(operation);
    if (answer.kind === 'refused') return refusalError(answer.refusal, place);
    if (answer.kind === 'unanswered') return placedAt(answer.error, place);
    return cutShort(this.#host.over() ?? givenUp('aborted', place), place, true);
  }

  #fail(operation: Operation, error: MgmError): void {
    const { caller } = operation;
    this.#dismiss(operation);
    caller?.failed(error);
  }

  /** No caller waits for it any more. */
  #dismiss(operation: Operation): void {
    operation.caller = undefined;
    operation.unlisten?.();
    operation.unlisten = undefined;
  }

  #placeOf({ change, key }: Operation): ErrorPlace {
    return { operation: change, router: this.#host.router, interface: key };
  }

  #leave(operation: Operation): void {
    const next = this.#order.leave(operation);
    this.#size--;
    if (!this.#order.isBusy(operation.keyText)) this.#host.settled(operation.key);
    if (next) this.#start(next);
    if (this.#size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
