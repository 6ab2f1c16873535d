import { isMgmError } from '@mgm/client';
import type { Context } from 'hono';
import type { Problem } from './api.ts';
import { TooManyRouters } from './routers.ts';

/** The HTTP status of a reason of the client library. */
const STATUS = {
  'bad-request': 400,
  'not-permitted': 403,
  'not-found': 404,
  'not-owner': 409,
  limit: 409,
  compacted: 410,
  overloaded: 503,
  'store-full': 503,
  unavailable: 503,
  timeout: 504,
  indeterminate: 504,
  'not-supported': 501,
} as const;

type Reason = keyof typeof STATUS;

function isKnown(reason: string): reason is Reason {
  return Object.hasOwn(STATUS, reason);
}

/** A request whose parameters are wrong. The message says which, and what is allowed. */
export class BadParameter extends Error {}

/** An error as the browser gets it. */
export function problemOf(error: unknown): Problem {
  if (isMgmError(error)) {
    const { reason, message, outcome, first } = error;
    return { reason, message, outcome, ...(first !== undefined && { first }) };
  }
  if (error instanceof BadParameter) return { reason: 'bad-request', message: error.message };
  if (error instanceof TooManyRouters) return { reason: 'overloaded', message: error.message };
  return { reason: 'internal', message: 'an unexpected failure; the log of the console has it' };
}

/** Answers a request that failed. Only unexpected failures are logged. */
export function onError(error: Error, c: Context): Response {
  const problem = problemOf(error);
  if (problem.reason === 'internal') process.stderr.write(`${error.stack ?? error.message}\n`);
  return c.json(problem, isKnown(problem.reason) ? STATUS[problem.reason] : 500);
}
