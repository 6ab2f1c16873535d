import { isMgmError, type MgmError } from '@mgm/client';
import { CommanderError } from 'commander';
import type { Target } from './connection.ts';
import { ExitCode, NotFoundError, OutputError, UsageError } from './exit-code.ts';

/** Why a command failed, and the next step. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** Stable, for programs: a reason of the wire contract or of the client, or `usage`, or `internal`. */
  readonly reason: string;
  readonly message: string;
  readonly next: string;
  readonly error?: MgmError;
}

/** The meaning of an error for the person who ran the command. */
export function failureOf(error: unknown, target: Target): Failure {
  if (error instanceof CommanderError) return usage(commandLineFault(error.message));
  if (error instanceof UsageError) return usage(error.message);
  if (error instanceof NotFoundError) return notFound(error);
  if (error instanceof OutputError) return outputLost(error);
  if (isMgmError(error)) return ofClient(error, target);
  const message = error instanceof Error ? error.message : String(error);
  const next = 'this is a defect of mgmctl: please report it';
  return { exitCode: ExitCode.refused, reason: 'internal', message, next };
}

/** Commander's text for a value that a parser refused. */
const INVALID_VALUE =
  /^(?:command-argument value '(.*)' is invalid for argument '(.*)'|option '(.*)' argument '(.*)' is invalid)\. (.*)$/s;

/** Commander's message in one line: it puts its suggestion on a line of its own. */
function commandLineFault(text: string): string {
  const message = text.replace(/^error: /, '').replaceAll('\n', ' ');
  const [, value, argument, option, optionValue, fault] = INVALID_VALUE.exec(message) ?? [];
  if (fault === undefined) return message;
  const name = option?.replace(/ <.*/, '') ?? `<${argument}>`;
  return `${name} ${JSON.stringify(value ?? optionValue)}: ${fault}`;
}

function notFound({ message, next, cause }: NotFoundError): Failure {
  const error = isMgmError(cause) ? { error: cause } : {};
  return { exitCode: ExitCode.notFound, reason: 'not-found', message, next, ...error };
}

function outputLost({ message }: OutputError): Failure {
  return {
    exitCode: ExitCode.output,
    reason: 'output',
    message: `the output cannot be written: ${message}`,
    next: 'free space, or write it to another place',
  };
}

function usage(message: string): Failure {
  return { exitCode: ExitCode.usage, reason: 'usage', message, next: 'mgmctl --help shows how' };
}

function ofClient(error: MgmError, target: Target): Failure {
  const { reason } = error;
  const next = nextStep(error, target);
  return { exitCode: exitCodeOf(error), reason, message: error.message, next, error };
}

function exitCodeOf({ reason }: MgmError): ExitCode {
  switch (reason) {
    case 'not-found':
      return ExitCode.notFound;
    case 'bad-request':
      return ExitCode.usage;
    case 'aborted':
      return ExitCode.interrupted;
    case 'unavailable':
    case 'overloaded':
    case 'indeterminate':
    case 'timeout':
    case 'closed':
      return ExitCode.unreachable;
    default:
      return ExitCode.refused;
  }
}

function nextStep(error: MgmError, { nats, router, isConnected }: Target): string {
  if (error.outcome === 'unknown') {
    return 'it may have happened: check with owner or sessions before you try again';
  }
  switch (error.reason) {
    case 'not-found':
      return 'mgmctl interfaces and mgmctl sessions list what exists';
    case 'bad-request':
      return 'mgmctl --help shows how';
    case 'unavailable':
    case 'timeout':
    case 'closed':
      return `check --nats ${nats} and that a manager runs; mgmctl doctor tells which`;
    case 'overloaded':
    case 'store-full':
      return 'the managers answer, but their store has a problem: see their logs';
    case 'not-permitted':
      return isConnected
        ? `the NATS user lacks a permission for router ${router}: ask the operator of ${nats}`
        : 'NATS refused the user, password or token: check --nats';
    case 'already-owned':
    case 'already-taken':
      return 'mgmctl owner shows the owner, mgmctl release takes the interface away';
    case 'not-owner':
      return 'the owner has changed in the meantime: check with mgmctl owner, then try again';
    case 'already-registered':
      return 'choose another --component, or end the other session with mgmctl evict';
    case 'compacted':
      return `the log begins at revision ${error.first ?? 'later'}: start there`;
    case 'aborted':
      return 'nothing was changed';
    default:
      return 'run mgmctl doctor to check every step';
  }
}

/** The failure in one line for people. */
export function failureLine({ message, next }: Failure): string {
  return `mgmctl: ${message}; ${next}`;
}

/** The failure as one object for programs, with the fields of the refusal. */
export function failureObject({ exitCode, reason, message, next, error }: Failure): object {
  const { status, outcome, field, holder, current, first } = error ?? {};
  return { error: reason, message, next, exitCode, status, outcome, field, holder, current, first };
}
