import type { Epoch, InterfaceKey, RefusalFields } from '@mgm/protocol';
import type { Agenda, Clock } from '../rpc/clock.ts';
import { MgmError, placedAt, refusalError, type ErrorPlace } from '../errors.ts';
import { Gather, type BatchSender, type Change, type ItemAnswer } from './gather.ts';
import { keyText } from './key.ts';
import {
  cutShort,
  givenUp,
  isCertain,
  Operation,
  type Caller,
  type OperationRunner,
} from './operation.ts';
import { InterfaceOrder } from './order.ts';
import type { Logger } from '../rpc/logger.ts';
import type { HeldInterface } from '../ownership.ts';
import { isSessionGone } from '../rpc/replies.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
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
  /** A take was answered, by this epoch. */
  granted(key: InterfaceKey, epoch: Epoch | undefined): HeldInterface;
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
export class InterfaceCalls implements OperationRunner {
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
   * Takes one interface. What was granted is noted at once when the answer is there, in the same turn, so that no message that
   * follows it comes in between. Rejects with {@link MgmError}.
   */
  take(key: InterfaceKey, group: number, options: OperationOptions): Promise<HeldInterface> {
    const caller = Promise.withResolvers<HeldInterface>();
    this.#submit('take', key, group, options, caller);
    return caller.promise;
  }

  /** Releases one interface. Rejects with {@link MgmError}. */
  release(key: InterfaceKey, group: number, options: CallOptions): Promise<void> {
    const caller = Promise.withResolvers<void>();
    this.#submit('release', key, group, options, caller);
    return caller.promise;
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

  /** Where it is refused, nothing of it is left. */
  #submit(
    change: Change,
    key: InterfaceKey,
    group: number,
    options: OperationOptions,
    caller: Caller,
  ): void {
    try {
      const { timeoutMs, deadlineMs } = checkedLimits(options, this.#host, () =>
        this.#placeOf({ change, key }),
      );
      this.#mayBegin(change, key, options.signal);
      const deadlineMono = this.#host.clock.monoMs() + deadlineMs;
      const fields = { change, key, group, had: options.had, timeoutMs, deadlineMono };
      this.#begin(new Operation(fields, caller, this), options.signal);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      caller.reject(error);
    }
  }

  #begin(operation: Operation, signal: AbortSignal | undefined): void {
    this.#size++;
    this.#listen(operation, signal);
    if (this.#order.enter(operation)) this.#start(operation);
  }

  /** Throws where it may not. */
  #mayBegin(change: Change, key: InterfaceKey, signal: AbortSignal | undefined): void {
    const over = this.#host.over() ?? this.#host.closing();
    if (over) throw cutShort(over, this.#placeOf({ change, key }), false);
    if (signal?.aborted) throw givenUp('aborted', this.#placeOf({ change, key }));
    if (this.#size < OPERATIONS_MAX) return;
    throw new MgmError(`${OPERATIONS_MAX} operations of this session wait already`, {
      ...this.#placeOf({ change, key }),
      reason: 'overloaded',
      outcome: 'not-done',
      retryable: true,
    });
  }

  /** From now on the deadline and the caller's signal detach the caller. */
  #listen(operation: Operation, signal: AbortSignal | undefined): void {
    this.#host.agenda.add(operation);
    if (!signal) return;
    const onAbort = (): void => this.#detach(operation, 'aborted');
    signal.addEventListener('abort', onAbort, { once: true });
    operation.unlisten = () => signal.removeEventListener('abort', onAbort);
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

  /** For the operations themselves. */
  overdue(operation: Operation): void {
    this.#detach(operation, 'timeout');
  }

  /** For the operations themselves. */
  answered(operation: Operation, answer: ItemAnswer): void {
    if (this.#isOver) return;
    const { caller, change, key } = operation;
    if (caller && answer.kind === 'done' && !this.#host.over()) {
      this.#dismiss(operation);
      caller.resolve(change === 'take' ? this.#host.granted(key, answer.epoch) : undefined);
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
    caller?.reject(error);
  }

  /** No caller waits for it any more. */
  #dismiss(operation: Operation): void {
    operation.caller = undefined;
    this.#host.agenda.remove(operation);
    operation.unlisten?.();
    operation.unlisten = undefined;
  }

  #placeOf({ change, key }: Pick<Operation, 'change' | 'key'>): ErrorPlace {
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
