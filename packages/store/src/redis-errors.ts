import { StoreError } from './store-error.ts';

/** The slot of the key is served by another node. The call was not executed. */
export class Moved extends StoreError {
  /** `host:port`; without a host where the node does not know it. */
  readonly place: string;

  constructor(message: string, place: string, cause: unknown) {
    super('unavailable', message, { cause });
    this.place = place;
  }
}

/**
 * The only place that reads message texts of Redis and ioredis; pinned by tests against the real server.
 * `isNoFunction` errors never come here: the call is repeated when the library has been loaded.
 */
export function classifyRedisError(error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  const moved = /^MOVED \d+ (\S+)/.exec(message)?.[1];
  if (moved !== undefined) {
    const meaning = 'this Redis is of a cluster, which redis-cluster:// names';
    return new Moved(`${meaning}: ${message}`, moved, error);
  }
  for (const [pattern, code, meaning] of KNOWN) {
    if (pattern.test(message))
      return new StoreError(code, `${meaning}: ${message}`, { cause: error });
  }
  if (isReply(error))
    return new StoreError('corrupt', `the script failed: ${message}`, { cause: error });
  return new StoreError('indeterminate', `Redis did not answer: ${message}`, { cause: error });
}

/** Redis lost its functions: a restart without data, `FUNCTION FLUSH`, another version of ours. The call was not executed. */
export function isNoFunction(error: unknown): boolean {
  return error instanceof Error && /^ERR Function not found/i.test(error.message);
}

/** The library is there, or went just now: somebody else was faster. */
export function isLoaded(error: unknown): boolean {
  return error instanceof Error && /^ERR Library .*already exists/i.test(error.message);
}

/** The server takes no writes now, which passes: it is full, or its disk is, or its replicas are missing. */
export function isNotNow(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(OOM|MISCONF|NOREPLICAS)|^ERR Library not found/i.test(error.message)
  );
}

/** The user may not run this command, or nobody may: managed services take some away. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && /^NOPERM|^ERR unknown command/i.test(error.message);
}

/** The connection leads to a replica, be it that it was the primary until now: another one may lead to the primary. */
export function isOfReplica(error: unknown): boolean {
  return error instanceof Error && READONLY.test(error.message);
}

const READONLY = /^READONLY|-READONLY/;

const KNOWN: readonly (readonly [RegExp, StoreError['code'], string])[] = [
  [/^OOM |-OOM |used memory > 'maxmemory'/, 'store-full', 'Redis is out of memory'],
  [/MGMSCHEMA/, 'schema', 'the data is of another version'],
  [/MGMCORRUPT|WRONGTYPE|Bad data format/, 'corrupt', 'a key holds something that is not ours'],
  [READONLY, 'unavailable', 'Redis is a read-only replica'],
  [
    /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF)/,
    'unavailable',
    'Redis cannot write now',
  ],
  // Keys of the router are on two nodes: whoever asked at either would see half of it.
  [/^(ASK|TRYAGAIN)|non local key/, 'unavailable', 'the slot of this router is being moved'],
  [/while the cluster is down/, 'unavailable', 'Redis Cluster cannot write now'],
  [/^(NOAUTH|WRONGPASS|NOPERM)/, 'unavailable', 'Redis refuses this user'],
  [/^ERR Function not found/, 'unavailable', 'Redis has lost the functions of this version again'],
  [/isn't writeable/, 'unavailable', 'not connected to Redis'],
];

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
