/** What the process ends with; a script may branch on it. docs/mgmctl.md lists them. */
export const ExitCode = {
  ok: 0,
  /** A manager, the NATS server or the person asked said no; or what was asked is not so. */
  refused: 1,
  /** The command line is wrong. Nothing was sent. */
  usage: 2,
  /** NATS or a manager did not answer in time. */
  unreachable: 3,
  /** Nobody is on the interface, or there is no such session. */
  notFound: 4,
  /** By Ctrl-C, or a signal that asks to end. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
