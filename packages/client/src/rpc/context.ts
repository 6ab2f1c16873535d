import { addAbortListener } from 'node:events';
import { encodeMessage, parseUnshared } from '@mgm/protocol';
import type { RequestFields, RouterName, Subjects, UnsharedOperation } from '@mgm/protocol';
import { gaveUp, refusalError, wrongRequest, type ErrorOrigin, type MgmError } from '../errors.ts';
import { checkedLimits, omitUndefined, type CallOptions, type Logger } from '../options.ts';
import { worthMs, type CallRequest, type CallResult } from './call.ts';
import type { Calls } from './calls.ts';
import type { Agenda, Clock } from './clock.ts';
import type { Measurement, RequestTracer } from './observers.ts';
import { granted, type Success } from './messages.ts';
import type { Transport } from './transport.ts';

/** What all parts of one client share. */
export interface Context {
  readonly router: RouterName;
  readonly subjects: Subjects;
  readonly transport: Transport;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly logger: Logger;
  readonly tracer?: RequestTracer | undefined;
  /** The hook of the application, which does not throw. */
  readonly measure?: ((measurement: Measurement) => void) | undefined;
  readonly store: StoreLog;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

export interface RequestOptions extends CallOptions {
  readonly guard?: () => MgmError | undefined;
  /** The longest wait between attempts that were answered. Default 1 s. */
  readonly longestBackoffMs?: number;
  readonly origin?: ErrorOrigin;
  /** See {@link CallRequest.atMostOnce}. */
  readonly atMostOnce?: boolean;
}

/**
 * Sends one request and resolves with its reply, which may be a refusal. Invalid fields reject with `bad-request` before
 * anything is sent.
 */
export async function request<Name extends UnsharedOperation>(
  context: Context,
  operation: Name,
  fields: RequestFields<Name>,
  options: RequestOptions = {},
): Promise<CallResult<Name>> {
  const { router, subjects, clock, calls } = context;
  const { signal, guard, longestBackoffMs, atMostOnce } = options;
  const origin = { ...options.origin, operation, router };
  const parsed = parseUnshared(operation, fields);
  if (parsed.kind === 'bad-request') throw wrongRequest(parsed, origin);
  if (signal?.aborted) throw gaveUp('aborted', origin);
  const { timeoutMs, deadlineMs } = checkedLimits(options, context, () => origin);
  const call = calls.start({
    operation,
    subject: subjects.operation(router, operation),
    payload: encodeMessage({ ...fields, deadlineMs: worthMs(timeoutMs) }),
    origin,
    timeoutMs,
    deadlineMono: clock.monoMs() + deadlineMs,
    ...omitUndefined({ guard, longestBackoffMs, atMostOnce }),
  });
  const result = await abandonedOn(signal, call);
  context.store.saw(result.reply.rev);
  return result;
}

/** As {@link request}, but every refusal rejects with {@link MgmError}. */
export async function requestGranted<Name extends UnsharedOperation>(
  context: Context,
  operation: Name,
  fields: RequestFields<Name>,
  options: RequestOptions = {},
): Promise<Success<Name>> {
  const { reply } = await request(context, operation, fields, options);
  const origin = { ...options.origin, operation, router: context.router };
  return granted(reply, (refusal) => refusalError(refusal, origin));
}

/** The result of a call that is abandoned when the signal fires. */
export async function abandonedOn<Result>(
  signal: AbortSignal | undefined,
  call: { readonly result: Promise<Result>; abandon(why: 'aborted'): void },
): Promise<Result> {
  const listener = signal && addAbortListener(signal, () => call.abandon('aborted'));
  try {
    return await call.result;
  } finally {
    listener?.[Symbol.dispose]();
  }
}

/** A position in the store's event log. Wire contract section 5. */
export interface LogPosition {
  readonly log: string;
  readonly rev: number;
}

/** Whether `log` is not the log known before. A router that was never used has no log yet: `''`. */
export function isAnotherLog(known: string | undefined, log: string | undefined): boolean {
  return known !== undefined && known !== '' && log !== undefined && known !== log;
}

/**
 * The store's event log as far as this client has seen it. Another `log`, or a `rev` lower than one seen before, means
 * that the store lost data.
 */
export class StoreLog {
  #log: string | undefined;
  #rev = 0;
  #losses = 0;

  /** Records the `rev` of a reply. Replies overtake each other, so only the highest counts. */
  saw(rev: number): void {
    if (rev > this.#rev) this.#rev = rev;
  }

  get isKnown(): boolean {
    return this.#log !== undefined;
  }

  /** How often this client found that the store had lost data. */
  get losses(): number {
    return this.#losses;
  }

  get rev(): number {
    return this.#rev;
  }

  /** Records the present position; `revBefore` was seen before it was requested. Returns whether the store lost data. */
  compare(position: LogPosition, revBefore: number): boolean {
    const isOther = isAnotherLog(this.#log, position.log);
    const isLoss = isOther || position.rev < revBefore;
    if (isLoss) {
      this.#rev = position.rev;
      this.#losses += 1;
    }
    this.#log = position.log;
    return isLoss;
  }
}
