/**
 * What kind of trouble {@link DevstackError} reports.
 *
 * - `bad-setting`: a value given by the caller is wrong; nothing was started.
 * - `no-servers`: no source of servers is usable; the message names each and what to install.
 * - `not-ours`: the server was given by URL, so its life is not ours to change; nothing was done.
 * - `start-failed`: a server did not become ready; it was ended, its last output is in the message.
 */
export type DevstackErrorCode = 'bad-setting' | 'no-servers' | 'not-ours' | 'start-failed';

/** The one error this package throws. Tell them apart by `code`; the message is for people. */
export class DevstackError extends Error {
  override readonly name = 'DevstackError';
  readonly code: DevstackErrorCode;

  constructor(code: DevstackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
