import { encodeMessage, parseRequest } from '@mgm/protocol';
import type { OperationName, RequestFields, RouterName, Subjects } from '@mgm/protocol';
import type { Answer, Calls } from './calls.ts';
import type { Agenda, Clock } from './clock.ts';
import { badRequest, MgmError, refusalError, type ErrorPlace } from '../errors.ts';
import type { Logger } from './logger.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
import { granted, type Success } from './replies.ts';
import type { StoreLog } from './store-log.ts';
import type { Transport } from './transport.ts';

/** What everything in one client shares. */
export interface Context {
  readonly router: RouterName;
  readonly subjects: Subjects;
  readonly transport: Transport;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly logger: Logger;
  readonly store: StoreLog;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

export interface AskOptions extends CallOptions {
  readonly guard?: () => MgmError | undefined;
  /** The longest wait between attempts. Default 1 s. */
  readonly longestBackoffMs?: number;
  readonly place?: ErrorPlace;
}

/** One request and its reply, which may be a refusal. Wrong fields are refused before anything is sent. */
export async function ask<Name extends OperationName>(
  context: Context,
  operation: Name,
  fields: RequestFields<Name>,
  options: AskOptions = {},
): Promise<Answer<Name>> {
  const { router, subjects, clock, calls } = context;
  const place = { ...options.place, operation, router };
  const parsed = parseRequest(operation, fields);
  if (parsed.kind === 'bad-request') throw badRequest(parsed.message, parsed.field, place);
  if (options.signal?.aborted) throw abortedBefore(place);
  const { timeoutMs, deadlineMs } = checkedLimits(options, context, () => place);
  const call = calls.start({
    operation,
    subject: subjects.operation(router, operation),
    payload: encodeMessage({ ...fields, deadlineMs: worthMs(timeoutMs) }),
    place,
    timeoutMs,
    deadlineMono: clock.monoMs() + deadlineMs,
    ...(options.guard && { guard: options.guard }),
    ...(options.longestBackoffMs && { longestBackoffMs: options.longestBackoffMs }),
  });
  const answer = await untilAborted(call, options.signal);
  context.store.saw(answer.reply.rev);
  return answer;
}

/** As {@link ask}, where every refusal is an error. */
export async function demand<Name extends OperationName>(
  context: Context,
  operation: Name,
  fields: RequestFields<Name>,
  options: AskOptions = {},
): Promise<Success<Name>> {
  const { reply } = await ask(context, operation, fields, options);
  const place = { ...options.place, operation, router: context.router };
  return granted(reply, (refusal) => refusalError(refusal, place));
}

/**
 * How long a manager shall find a request worth executing: as long as its sender waits before it sends the next copy.
 * Whole milliseconds, because the wire knows no others.
 */
export function worthMs(timeoutMs: number): number {
  return Math.ceil(timeoutMs);
}

interface Abandonable<Result> {
  readonly answer: Promise<Result>;
  abandon(why: 'aborted'): void;
}

async function untilAborted<Result>(
  call: Abandonable<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (!signal) return await call.answer;
  const onAbort = (): void => call.abandon('aborted');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await call.answer;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function abortedBefore(place: ErrorPlace): MgmError {
  return new MgmError(`\`${place.operation}\` was given up by its caller; nothing was sent`, {
    ...place,
    reason: 'aborted',
    outcome: 'not-done',
  });
}
