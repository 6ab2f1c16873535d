import { execFile } from 'node:child_process';
import { Packr } from 'msgpackr';
import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import type { Takes } from './own-takes.ts';
import type { Rig } from './rig.ts';

/** Part of each call; it has no zero byte. */
const TTL_MS = 0xffff;
const CONNECTIONS = '64';
/** Pipelined commands per connection: the same number of pending requests as for the other contenders. */
const PIPELINE = '16';
const WITHIN_MS = 60_000;
/** Index of the command in an entry of the slow log. */
const COMMAND = 3;
/** The capacity of the log. */
const LAST = 128;

/** The length of the log, which is part of each call and must have no zero byte. */
const RETENTION = String(0xffff);
const TRIES = 50;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/**
 * `redis-benchmark` with one repeated call of the script, an `owner` request: the number of calls that this Redis executes when
 * nothing else runs. A take cannot be repeated in this way, since the script keeps its reply.
 */
export async function bareScript(rig: Rig): Promise<Takes | string> {
  const program = rig.peers.redisBenchmark;
  if (program.kind === 'absent') return program.why;
  const fleet = await rig.fleet({ env: { MGM_EVENT_RETENTION: RETENTION } });
  const command = await repeatableCall(rig, rig.router(fleet));
  if (!command)
    return 'each call of the script has a zero byte, at which redis-benchmark cuts it off';
  const request = command.at(-1) ?? Buffer.alloc(0);
  const args = command.slice(0, -1).map(String);
  const at = ['-h', '127.0.0.1', '-p', String(rig.redisServer.port), '--csv', '-x'];
  return async (count) => {
    const load = ['-n', String(count), '-c', CONNECTIONS, '-P', PIPELINE];
    const output = await run(program.command, [...at, ...load, ...args], request);
    const rate = Number(/^"FCALL[^\n]*?","([\d.]+)"/m.exec(output)?.[1]);
    if (!(rate > 0)) throw new Error(`redis-benchmark said\n${output}`);
    return rate;
  };
}

/**
 * A call of the manager for an `owner` request. `redis-benchmark` cuts arguments at a zero byte. An epoch, which is part of each
 * call, has one from time to time; the next take changes it.
 */
async function repeatableCall(rig: Rig, router: RawRouter): Promise<Buffer[] | undefined> {
  const session = await router.register({ ttlMs: TTL_MS });
  for (let ifIndex = 1; ifIndex <= TRIES; ifIndex++) {
    ok(await session.take(ifIndex));
    const call = (await scriptCallOf(rig, router, ifIndex)).map(withoutZeros);
    if (call.every((part) => !part.includes(0))) return call;
  }
  return undefined;
}

/** The request packed again with `false` for unset flags instead of 0, which the script accepts as well. */
function withoutZeros(part: Buffer, at: number, { length }: readonly Buffer[]): Buffer {
  const request: unknown = at === length - 1 ? packr.unpack(part) : undefined;
  return Array.isArray(request)
    ? packr.pack(request.map((field: unknown) => (field === 0 ? false : field)))
    : part;
}

/** The call as recorded in the slow log of Redis. */
async function scriptCallOf({ redis }: Rig, router: RawRouter, ifIndex: number): Promise<Buffer[]> {
  await redis.config('SET', 'slowlog-log-slower-than', 0);
  try {
    ok(await router.owner(ifIndex));
  } finally {
    await redis.config('SET', 'slowlog-log-slower-than', -1);
  }
  const entries = await redis.callBuffer('SLOWLOG', 'GET', LAST);
  const found = (Array.isArray(entries) ? entries : []).map(commandOf).find(isAboutOwner(router));
  if (!found) throw new Error('no owner request in the slow log');
  return found;
}

function isAboutOwner(router: RawRouter): (call: readonly Buffer[]) => boolean {
  return ([name, , , key, request]) =>
    name?.toString().toUpperCase() === 'FCALL' &&
    key?.includes(router.name) === true &&
    request?.includes('owner') === true;
}

function commandOf(entry: unknown): Buffer[] {
  const command: unknown = Array.isArray(entry) ? entry[COMMAND] : undefined;
  return Array.isArray(command) ? command.filter((part) => Buffer.isBuffer(part)) : [];
}

function run(command: string, args: readonly string[], input: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: WITHIN_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${error.message}\n${stderr}`));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}
