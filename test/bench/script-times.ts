import type { Redis } from 'ioredis';

const ENTRIES = 1_000_000;
/** Places of an entry of the slow log. */
const MICROSECONDS = 2;
const COMMAND = 3;

/**
 * How long Redis itself was busy with each script call: its slow log, set to keep every command. It is read when all is
 * over, since reading it keeps Redis busy, too.
 */
export class ScriptTimes implements AsyncDisposable {
  readonly #redis: Redis;

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  static async start(redis: Redis): Promise<ScriptTimes> {
    await redis.config('SET', 'slowlog-max-len', ENTRIES);
    await redis.config('SET', 'slowlog-log-slower-than', 0);
    return new ScriptTimes(redis);
  }

  /** Begins anew. */
  async forget(): Promise<void> {
    await this.#redis.slowlog('RESET');
  }

  /** The times in ms of the calls that took interfaces down, and of those that looked and found nothing to do. */
  async ofSweeps(): Promise<number[]> {
    await this.#redis.config('SET', 'slowlog-log-slower-than', -1);
    const entries = await this.#redis.callBuffer('SLOWLOG', 'GET', ENTRIES);
    return Array.isArray(entries) ? entries.filter(isSweep).map(millisecondsOf) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#redis.config('SET', 'slowlog-log-slower-than', -1);
    await this.forget();
  }
}

function isSweep(entry: unknown): entry is readonly unknown[] {
  const command: unknown = Array.isArray(entry) ? entry[COMMAND] : undefined;
  // A batch is packed with its operations by name; long arguments are cut off, but well behind the first.
  return (
    Array.isArray(command) &&
    command.some((part) => Buffer.isBuffer(part) && part.includes('sweep'))
  );
}

function millisecondsOf(entry: readonly unknown[]): number {
  return Number(entry[MICROSECONDS]) / 1000;
}
