import type { Redis } from 'ioredis';

const ENTRIES = 1_000_000;
/** Indexes in an entry of the slow log. */
const MICROSECONDS = 2;
const COMMAND = 3;

/**
 * The time that Redis spent in each script call, from its slow log with a threshold of zero. It is read after the measurement,
 * since reading it also keeps Redis busy.
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

  /** Clears the log. */
  async forget(): Promise<void> {
    await this.#redis.slowlog('RESET');
  }

  /** The durations, in ms, of the calls that released interfaces and of those that found nothing to do. */
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
  // A batch contains the names of its operations; the log truncates long arguments, but far after the first name.
  return (
    Array.isArray(command) &&
    command.some((part) => Buffer.isBuffer(part) && part.includes('sweep'))
  );
}

function millisecondsOf(entry: readonly unknown[]): number {
  return Number(entry[MICROSECONDS]) / 1000;
}
