import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript, type ServersChoice } from '@mgm/devstack';

const FETCH = fileURLToPath(new URL('fetch-faketime.sh', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/faketime', import.meta.url));
const FETCH_WITHIN_MS = 60_000;

/** A wall clock of a server that a test moves; the server's monotonic clock is not changed. */
export interface MovableClock extends AsyncDisposable {
  /** The same servers, but with this clock under Redis. */
  readonly choice: ServersChoice;
  /** Sets the clock to an offset from the true time, in seconds. */
  jumpTo(offsetS: number): Promise<void>;
}

/** The library that moves the clock, or why there is none in this run. */
export type ClockSupport =
  | { readonly kind: 'usable'; readonly library: string; readonly command: string }
  | { readonly kind: 'unusable'; readonly why: string };

/** Finds or fetches libfaketime, where Redis is a process of this machine. */
export async function clockSupport({ redis }: ServersChoice): Promise<ClockSupport> {
  if (redis.kind !== 'process') {
    return { kind: 'unusable', why: 'needs a Redis that runs as a process of this machine' };
  }
  try {
    const output = await runScript({ path: FETCH, args: [CACHE], withinMs: FETCH_WITHIN_MS });
    return { kind: 'usable', library: output.trim(), command: redis.command };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'unusable', why: `needs libfaketime: ${why}` };
  }
}

/** Replaces the Redis program by a script that starts it under a movable clock. */
export async function movableClock(
  choice: ServersChoice,
  { library, command }: ClockSupport & { kind: 'usable' },
): Promise<MovableClock> {
  const dir = await mkdtemp(join(tmpdir(), 'mgm-clock-'));
  const [offset, program] = [join(dir, 'offset'), join(dir, 'redis-server')];
  const jumpTo = async (offsetS: number): Promise<void> => {
    // The server may read the file at any time, so it is replaced by a rename.
    await writeFile(`${offset}.new`, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
    await rename(`${offset}.new`, offset);
  };
  await jumpTo(0);
  // With libc's allocator: jemalloc reads the time while it starts, which crashes libfaketime.
  const lines = [
    '#!/bin/sh',
    `export LD_PRELOAD='${library}:libc.so.6' FAKETIME_TIMESTAMP_FILE='${offset}'`,
    'export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1',
    `exec '${command}' "$@"`,
  ];
  await writeFile(program, `${lines.join('\n')}\n`, { mode: 0o755 });
  return {
    choice: { ...choice, redis: { kind: 'process', command: program, version: 'any' } },
    jumpTo,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
