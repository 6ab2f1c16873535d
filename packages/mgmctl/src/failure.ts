import { isMgmError, type MgmError } from '@mgm/client';
import { CommanderError } from 'commander';
import type { Target } from './connection.ts';
import { ExitCode, UsageError } from './exit-code.ts';
import { harmless, interfaceText } from './output/text.ts';

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
  if (error instanceof CommanderError) return usage(oneLine(error.message));
  if (error instanceof UsageError) return usage(error.message);
  if (isMgmError(error)) return ofClient(error, target);
  const message = error instanceof Error ? error.message : String(error);
  const next = 'this is a defect of mgmctl: please report it';
  return { exitCode: ExitCode.refused, reason: 'internal', message, next };
}

/** Commander puts its suggestion on a line of its own. */
function oneLine(message: string): string {
  return message.replace(/^error: /, '').replaceAll('\n', ' ');
}

function usage(message: string): Failure {
  return { exitCode: ExitCode.usage, reason: 'usage', message, next: 'mgmctl --help shows how' };
}

function ofClient(error: MgmError, target: Target): Failure {
  const { reason } = error;
  const next = nextStep(error, target);
  return { exitCode: exitCodeOf(error), reason, message: messageOf(error), next, error };
}

function messageOf({ reason, message, interface: key }: MgmError): string {
  return reason === 'not-found' && key ? `nobody is on interface ${interfaceText(key)}` : message;
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

function nextStep(error: MgmError, { nats, router }: Target): string {
  if (error.outcome === 'unknown') {
    return 'it may have happened: look with owner or sessions before you try again';
  }
  switch (error.reason) {
    case 'not-found':
      return 'mgmctl interfaces and mgmctl sessions list what there is';
    case 'bad-request':
      return 'mgmctl --help shows how';
    case 'unavailable':
    case 'timeout':
    case 'closed':
      return `is ${nats} right, and does a manager run? mgmctl doctor finds out`;
    case 'overloaded':
    case 'store-full':
      return 'the managers are there, but their store needs help: see their logs';
    case 'not-permitted':
      return `the NATS user lacks a permission for router ${router}: ask who runs ${nats}`;
    case 'already-owned':
    case 'already-taken':
      return 'mgmctl owner tells who has it, mgmctl release takes it away from them';
    case 'already-registered':
      return 'choose another --component, or end the other one with mgmctl evict';
    case 'compacted':
      return `the log begins at revision ${error.first ?? 'later'}: start there`;
    case 'aborted':
      return 'nothing was changed';
    default:
      return 'mgmctl doctor looks at the whole way';
  }
}

/** The failure in one line for people. */
export function failureLine({ message, next }: Failure): string {
  return `mgmctl: ${harmless(message)}; ${next}`;
}

/** The failure as one object for programs, with the fields of the refusal. */
export function failureObject({ exitCode, reason, message, next, error }: Failure): object {
  const { status, outcome, field, holder, current, first } = error ?? {};
  return { error: reason, message, next, exitCode, status, outcome, field, holder, current, first };
}
