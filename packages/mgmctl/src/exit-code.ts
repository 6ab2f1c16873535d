/** The exit code of the process, for scripts. docs/mgmctl.md lists them. */
export const ExitCode = {
  ok: 0,
  /** A manager, the NATS server or the person at the terminal refused; or the statement to check is false. */
  refused: 1,
  /** The command line is wrong. Nothing was sent. */
  usage: 2,
  /** NATS or a manager did not answer in time. */
  unreachable: 3,
  /** The interface has no owner; or the session, route, forwarding entry, static membership or hold-off does not exist. */
  notFound: 4,
  /** The output could not be written. What the command held was given back. */
  output: 5,
  /** Ended by Ctrl-C or another signal that asks to end. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What the command asked for does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
  /** What the person can do next. */
  readonly next: string;

  constructor(
    message: string,
    { next, cause }: { readonly next: string; readonly cause?: unknown },
  ) {
    super(message, { cause });
    this.next = next;
  }
}

/** The standard output cannot be written. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/** The command line is wrong. Nothing was sent. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
