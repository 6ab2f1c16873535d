/** What the program is given by the process that it runs in. */
export interface Io {
  /** Writes to the standard output. */
  write(text: string): void;
  /** Writes to the standard error. */
  writeError(text: string): void;
  /** The standard output where it is a terminal, else `undefined`: for what is painted over itself. */
  readonly screen: NodeJS.WriteStream | undefined;
  /** Asks a person and resolves with the answer; `undefined` where the input ended without one. */
  ask(question: string): Promise<string | undefined>;
  /** Whether there is a person to ask. */
  readonly canAsk: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Who runs this, as `user@host`. */
  readonly user: string;
  readonly pid: number;
  /** Fires when the process is asked to end. */
  readonly signal: AbortSignal;
}
