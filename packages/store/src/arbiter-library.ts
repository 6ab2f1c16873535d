import { ASK, LIBRARY, LIBRARY_NAME } from './generated/arbiter.ts';
import { isLoaded, isNoFunction, isNotNow } from './redis-errors.ts';
import type { AskServer } from './server-check.ts';

/** Names of this project's libraries, of whatever version: the digest is that of the code. */
const OURS = /^mgm_[0-9a-f]{16}$/;

/**
 * Makes sure that a server has the arbiter, and that this user may run it. Who brings it in takes those of other versions
 * away: a manager of such a version loads its own again when it misses it. That a server takes no writes now is no
 * hindrance: the first call will say so.
 */
export async function prepareArbiter(ask: AskServer): Promise<void> {
  try {
    await ask('FCALL', ASK, '0');
  } catch (error) {
    if (!isNoFunction(error)) throw error;
    await bringIn(ask).catch((trouble: unknown) => {
      if (!isNotNow(trouble)) throw trouble;
    });
  }
}

/** Loads the arbiter where it is missing: on a new server, after a restart without data, after `FUNCTION FLUSH`. */
export async function loadArbiter(ask: AskServer): Promise<void> {
  try {
    await ask('FUNCTION', 'LOAD', LIBRARY);
  } catch (error) {
    // Another manager was faster.
    if (!isLoaded(error)) throw error;
  }
}

async function bringIn(ask: AskServer): Promise<void> {
  await loadArbiter(ask);
  await ask('FCALL', ASK, '0');
  const names = namesIn(await ask('FUNCTION', 'LIST', 'LIBRARYNAME', 'mgm_*'));
  for (const name of names) {
    if (name !== LIBRARY_NAME && OURS.test(name)) await ask('FUNCTION', 'DELETE', name);
  }
}

/** A library is told as pairs of a word and a value; the first pair is its name. */
function namesIn(reply: unknown): string[] {
  const libraries: readonly unknown[] = Array.isArray(reply) ? reply : [];
  return libraries.map((library) => (Array.isArray(library) ? String(library[1]) : ''));
}
