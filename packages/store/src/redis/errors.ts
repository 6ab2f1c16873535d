import { StoreError } from '../store-error.ts';

/** The slot of the key is served by another node. The call was not executed. */
export class Moved extends StoreError {
  /** `host:port`; without a host where the node does not know it. */
  readonly node: string;

  constructor(message: string, node: string, cause: unknown) {
    super('unavailable', message, { cause });
    this.node = node;
  }
}

/**
 * Gives an error of Redis or ioredis its code. This file is the only one that reads their message texts; tests pin them
 * against the real server. `isNoFunction` errors are handled earlier, by loading the library.
 */
export function classifyRedisError(error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  const moved = /^MOVED \d+ (\S+)/.exec(message)?.[1];
  if (moved !== undefined) {
    const meaning = 'this Redis is part of a cluster; use redis-cluster:// to reach it';
    return new Moved(`${meaning}: ${message}`, moved, error);
  }
  for (const [pattern, code, meaning] of KNOWN) {
    if (pattern.test(message))
      return new StoreError(code, `${meaning}: ${message}`, { cause: error });
  }
  if (isErrorReply(error))
    return new StoreError('corrupt', `the script failed: ${message}`, { cause: error });
  return new StoreError('indeterminate', `Redis did not answer: ${message}`, { cause: error });
}

/** Redis has no such function: a restart without data, `FUNCTION FLUSH`, or a manager of another version. Not executed. */
export function isNoFunction(error: unknown): boolean {
  return error instanceof Error && /^ERR Function not found/i.test(error.message);
}

/** Another manager loaded the library first. */
export function isLoaded(error: unknown): boolean {
  return error instanceof Error && /^ERR Library .*already exists/i.test(error.message);
}

/** The server refuses writes for the time being: it is out of memory, its disk failed, or replicas are missing. */
export function isNotNow(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(OOM|MISCONF|NOREPLICAS)|^ERR Library not found/i.test(error.message)
  );
}

/** The user may not run this command, or a managed service has removed it. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && /^NOPERM|^ERR unknown command/i.test(error.message);
}

/** The connection leads to a replica, perhaps a former primary: a new connection may lead to the primary. */
export function isOfReplica(error: unknown): boolean {
  return error instanceof Error && READONLY.test(error.message);
}

const READONLY = /^READONLY|-READONLY/;

const KNOWN: readonly (readonly [RegExp, StoreError['code'], string])[] = [
  [/^OOM |-OOM |used memory > 'maxmemory'/, 'store-full', 'Redis is out of memory'],
  [/MGMSCHEMA/, 'schema', 'the data is of another version'],
  [/MGMCORRUPT|WRONGTYPE|Bad data format/, 'corrupt', 'a key holds data that is not ours'],
  [READONLY, 'unavailable', 'Redis is a read-only replica'],
  [
    /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF)/,
    'unavailable',
    'Redis cannot write now',
  ],
  // The router's keys are split over two nodes: neither sees all of them.
  [/^(ASK|TRYAGAIN)|non local key/, 'unavailable', 'the slot of this router is being moved'],
  [/while the cluster is down/, 'unavailable', 'Redis Cluster cannot write now'],
  [/^(NOAUTH|WRONGPASS|NOPERM)/, 'unavailable', 'Redis refuses this user'],
  [/^ERR Function not found/, 'unavailable', 'Redis has lost the functions of this version again'],
  [/isn't writeable/, 'unavailable', 'not connected to Redis'],
];

function isErrorReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
