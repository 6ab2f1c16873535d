import { ASK, LIBRARY, LIBRARY_NAME } from '../generated/arbiter.ts';
import type { SendCommand } from './check.ts';
import { isLoaded, isNoFunction, isNotNow } from './errors.ts';

/** Names of this project's libraries in any version: the digest is that of the code. */
const OURS = /^mgm_[0-9a-f]{16}$/;

/**
 * Makes sure that a server has the arbiter and that this user may run it. The manager that loads it deletes those of other
 * versions; a manager of such a version loads its own again when it misses it. A server that refuses writes for the time
 * being passes: the first call reports it.
 */
export async function prepareArbiter(send: SendCommand): Promise<void> {
  try {
    await send('FCALL', ASK, '0');
  } catch (error) {
    if (!isNoFunction(error)) throw error;
    await replaceArbiter(send).catch((failure: unknown) => {
      if (!isNotNow(failure)) throw failure;
    });
  }
}

/** Loads the arbiter where it is missing: on a new server, after a restart without data, after `FUNCTION FLUSH`. */
export async function loadArbiter(send: SendCommand): Promise<void> {
  try {
    await send('FUNCTION', 'LOAD', LIBRARY);
  } catch (error) {
    if (!isLoaded(error)) throw error;
  }
}

async function replaceArbiter(send: SendCommand): Promise<void> {
  await loadArbiter(send);
  await send('FCALL', ASK, '0');
  const names = namesIn(await send('FUNCTION', 'LIST', 'LIBRARYNAME', 'mgm_*'));
  for (const name of names) {
    if (name !== LIBRARY_NAME && OURS.test(name)) await send('FUNCTION', 'DELETE', name);
  }
}

/** The reply lists each library as alternating names and values; the first pair is the library's name. */
function namesIn(reply: unknown): string[] {
  const libraries: readonly unknown[] = Array.isArray(reply) ? reply : [];
  return libraries.map((library) => (Array.isArray(library) ? String(library[1]) : ''));
}
