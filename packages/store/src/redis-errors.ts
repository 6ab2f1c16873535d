import { StoreError } from './store-error.ts';

/**
 * The only place that reads message texts of Redis and ioredis; pinned by tests against the real server.
 * `isNoScript` errors never come here: the call is repeated with the script's text.
 */
export function classifyRedisError(error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  for (const [pattern, code, meaning] of KNOWN) {
    if (pattern.test(message))
      return new StoreError(code, `${meaning}: ${message}`, { cause: error });
  }
  if (isReply(error))
    return new StoreError('corrupt', `the script failed: ${message}`, { cause: error });
  return new StoreError('indeterminate', `Redis did not answer: ${message}`, { cause: error });
}

/** Redis restarted, failed over or flushed its scripts. The call was not executed. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** The user may not run this command, or nobody may: managed services take some away. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && /^NOPERM|^ERR unknown command/i.test(error.message);
}

const KNOWN: readonly (readonly [RegExp, StoreError['code'], string])[] = [
  [/^OOM |-OOM |used memory > 'maxmemory'/, 'store-full', 'Redis is out of memory'],
  [/MGMSCHEMA/, 'schema', 'the data is of a newer version: upgrade this manager'],
  [/MGMCORRUPT|WRONGTYPE|Bad data format/, 'corrupt', 'a key holds something that is not ours'],
  [/^READONLY|-READONLY/, 'unavailable', 'Redis is a read-only replica'],
  [
    /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF)/,
    'unavailable',
    'Redis cannot write now',
  ],
  [/^(NOAUTH|WRONGPASS|NOPERM)/, 'unavailable', 'Redis refuses this user'],
  [/isn't writeable/, 'unavailable', 'not connected to Redis'],
];

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
