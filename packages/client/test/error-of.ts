import { isMgmError, type MgmError } from '../src/mod.ts';

/** The error of a call. Throws if the call succeeded, or failed with anything but an `MgmError`. */
export async function errorOf(call: Promise<unknown>): Promise<MgmError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isMgmError(error)) throw new Error(`no MgmError: ${String(error)}`, { cause: error });
  return error;
}
