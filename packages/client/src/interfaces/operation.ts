import type { Epoch, InterfaceKey } from '@mgm/protocol';
import type { Appointment } from '../rpc/clock.ts';
import { MgmError, type ErrorPlace } from '../errors.ts';
import type { Change, Item, ItemAnswer } from './gather.ts';
import { keyText } from './key.ts';

/** The group of whatever may share a request with anything. */
export const SHARED_GROUP = 0;

/** Who waits for an operation, as `Promise.withResolvers` makes it. */
export interface Caller {
  resolve(granted: unknown): void;
  reject(error: MgmError): void;
}

/** What becomes of an operation is told to those who run it. */
export interface OperationRunner {
  answered(operation: Operation, answer: ItemAnswer): void;
  overdue(operation: Operation): void;
}

export interface OperationFields {
  readonly change: Change;
  readonly key: InterfaceKey;
  readonly group: number;
  readonly had: Epoch | undefined;
  readonly timeoutMs: number;
  readonly deadlineMono: number;
}

/** A take or a release of one interface, from its call to its end; also what the gatherer sends, and its own appointment. */
export class Operation implements Item, Appointment {
  readonly change: Change;
  readonly key: InterfaceKey;
  readonly keyText: string;
  readonly group: number;
  readonly had: Epoch | undefined;
  readonly timeoutMs: number;
  readonly deadlineMono: number;
  dueMono: number;
  place: number | undefined;
  /** `waiting` for its turn on the interface, or `started`: in the hands of the gatherer. */
  stage: 'waiting' | 'started' = 'waiting';
  caller: Caller | undefined;
  unlisten: (() => void) | undefined;
  request: Item['request'];
  readonly #runner: OperationRunner;

  constructor(fields: OperationFields, caller: Caller, runner: OperationRunner) {
    this.change = fields.change;
    this.key = fields.key;
    this.keyText = keyText(fields.key);
    this.group = fields.group;
    this.had = fields.had;
    this.timeoutMs = fields.timeoutMs;
    this.deadlineMono = fields.deadlineMono;
    this.dueMono = fields.deadlineMono;
    this.place = undefined;
    this.caller = caller;
    this.unlisten = undefined;
    this.request = undefined;
    this.#runner = runner;
  }

  answered(answer: ItemAnswer): void {
    this.#runner.answered(this, answer);
  }

  onDue(): void {
    this.#runner.overdue(this);
  }
}

/** These answers to a release say that the session is not on the interface, or is no more. */
const NOT_ON_IT: ReadonlySet<string> = new Set([
  'not-owner',
  'not-found',
  'bad-handle',
  'session-expired',
]);

/** Whether this answer leaves nothing to find out or to undo. A `take` answered `done` counts only with a caller. */
export function isCertain(change: Change, answer: ItemAnswer): boolean {
  if (change === 'release') return answer.kind === 'done' || isNotOnIt(answer);
  if (answer.kind === 'unanswered') return answer.error.outcome === 'not-done';
  return answer.kind === 'refused' && answer.refusal.reason !== 'indeterminate';
}

function isNotOnIt(answer: ItemAnswer): boolean {
  return answer.kind === 'refused' && NOT_ON_IT.has(answer.refusal.reason);
}

/** Given up before anything was sent. A release goes on all the same. */
export function givenUp(reason: 'timeout' | 'aborted', place: ErrorPlace): MgmError {
  const isRelease = place.operation === 'release';
  const what = reason === 'aborted' ? 'was given up by its caller' : 'did not get its turn in time';
  const then = isRelease ? 'the session goes on with it' : 'nothing was sent';
  return new MgmError(`\`${place.operation}\` ${what}; ${then}`, {
    ...place,
    reason,
    outcome: isRelease ? 'unknown' : 'not-done',
    retryable: reason === 'timeout',
  });
}

/** The session ended under a call. */
export function cutShort(reason: MgmError, place: ErrorPlace, wasSent: boolean): MgmError {
  return new MgmError(reason.message, {
    ...place,
    reason: reason.reason,
    outcome: wasSent ? 'unknown' : 'not-done',
    retryable: reason.retryable,
    cause: reason.cause,
  });
}
