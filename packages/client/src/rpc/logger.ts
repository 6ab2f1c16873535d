/** Fields of one log line, named as on the wire. Never a handle or a password. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where the client tells what it does. A `pino` logger fits as it is. Levels: `error` a person must act, `warn` trouble
 * that heals by itself, `info` the life of sessions, `debug` each change, `trace` each message.
 */
export interface Logger {
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  trace(fields: LogFields, message: string): void;
}

const nothing = (): void => {};

/** What is used where no logger was given. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
};
