/**
 * The code of a {@link DevstackError}.
 *
 * - `bad-setting`: a value of the caller is wrong; nothing was started.
 * - `no-servers`: no source of servers is usable; the message names each and what to install.
 * - `not-ours`: the server was given by URL and is not managed here; nothing was done.
 * - `start-failed`: a server did not become ready; it was ended, its last output is in the message.
 */
export type DevstackErrorCode = 'bad-setting' | 'no-servers' | 'not-ours' | 'start-failed';

/** The error of this package. `code` is stable; the message is for people. */
export class DevstackError extends Error {
  override readonly name = 'DevstackError';
  readonly code: DevstackErrorCode;

  constructor(code: DevstackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The message of a thrown value. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
