import type { InterfaceKey, Mgm, NextHop } from '@mgm/client';
import type { Command } from 'commander';
import { ifIndex as indexOf, nextHop as hopOf } from './arguments.ts';
import type { GlobalOptions } from './connection.ts';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import type { Output } from './output/output.ts';

/** What an action works with that needs no connection. */
export interface OfflineContext {
  readonly options: GlobalOptions;
  readonly out: Output;
  /** Aborts when the command must end. */
  readonly signal: AbortSignal;
}

/** What an action works with. */
export interface Context extends OfflineContext {
  readonly mgm: Mgm;
}

/** What a command file needs to add its command: the process, and how to run an action. */
export interface Runner {
  readonly io: Io;
  /** Runs an action over a connection and closes that afterwards. `defaultRouter` replaces `MGM_ROUTER`. */
  readonly connected: (
    command: Command,
    action: (context: Context) => Promise<ExitCode>,
    defaultRouter?: string,
  ) => Promise<void>;
  /** Runs an action without a connection. */
  readonly offline: (
    command: Command,
    action: (context: OfflineContext) => Promise<ExitCode> | ExitCode,
  ) => Promise<void>;
}

/** The arguments that name an interface on the command line. */
export const INTERFACE = ['<if>', 'the index of the interface'] as const;
export const NEXT_HOP = ['[nextHop]', 'its next hop, if it has several'] as const;

/** Adds the arguments that name an interface; {@link keyOf} makes its key of them. */
export function withInterface(command: Command): Command {
  return command.argument(...INTERFACE, indexOf).argument(...NEXT_HOP, hopOf);
}

/** What commander passes to the action of such a command. */
export type OnInterface<Options = object> = [
  ifIndex: number,
  nextHop: NextHop | undefined,
  options: Options,
  command: Command,
];

/** The interface that a command line names. */
export function keyOf(ifIndex: number, hop: NextHop | undefined): InterfaceKey {
  return { ifIndex, nextHop: hop ?? hopOf(undefined) };
}

/** The examples at the end of the help of a command that needs a router. */
export function examples(...lines: readonly string[]): string {
  return plainExamples(...lines.map((line) => `--router r1 ${line}`));
}

/** The examples at the end of any other help. */
export function plainExamples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  mgmctl ${line}`)].join('\n');
}
