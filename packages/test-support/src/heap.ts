import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'major' | 'minor' }) => void;

let collect: Collect | undefined;

/**
 * Bytes on the heap of this process after a garbage collection: a `full` one leaves the live objects, one of `young` objects also
 * dead old ones.
 */
export function heapAfter(collection: 'full' | 'young'): number {
  collect ??= exposedCollector();
  collect({ type: collection === 'full' ? 'major' : 'minor' });
  return process.memoryUsage().heapUsed;
}

/** The flag is visible only in contexts created after it was set. */
function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc');
  const exposed: unknown = runInNewContext('gc');
  if (typeof exposed !== 'function') throw new Error('this Node exposes no collector');
  return (options) => void Reflect.apply(exposed, undefined, [options]);
}
