import { execFile } from 'node:child_process';
import { Packr } from 'msgpackr';
import { ok } from '../support/raw-replies.ts';
import type { RawRouter } from '../support/raw-client.ts';
import type { Takes } from './own-takes.ts';
import type { Rig } from './rig.ts';

/** Travels with each call, without a zero byte. */
const TTL_MS = 0xffff;
const CONNECTIONS = '64';
/** Commands that each connection sends before it reads: as many under way as the other contenders have. */
const PIPELINE = '16';
const WITHIN_MS = 60_000;
/** Place of the command in an entry of the slow log. */
const COMMAND = 3;
/** As many as the log keeps. */
const LAST = 128;

/** A log this long is written without a zero byte into each call. */
const RETENTION = String(0xffff);
const TRIES = 50;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/**
 * `redis-benchmark` with one call of our script over and over, a question about who owns an interface: how many calls this Redis
 * carries when nothing else is there. (A take cannot be repeated so: the script would remember its answer.)
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
 * A call by which the manager asks who owns an interface. `redis-benchmark` cuts arguments off at a zero byte; an epoch, which goes
 * along with each call, has one now and then, and the next take brings another.
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

/** The request packed anew, flags that are not set as `false` instead of 0, which the script takes alike. */
function withoutZeros(part: Buffer, at: number, { length }: readonly Buffer[]): Buffer {
  const request: unknown = at === length - 1 ? packr.unpack(part) : undefined;
  return Array.isArray(request)
    ? packr.pack(request.map((field: unknown) => (field === 0 ? false : field)))
    : part;
}

/** The call as Redis' slow log tells it. */
async function scriptCallOf({ redis }: Rig, router: RawRouter, ifIndex: number): Promise<Buffer[]> {
  await redis.config('SET', 'slowlog-log-slower-than', 0);
  try {
    ok(await router.owner(ifIndex));
  } finally {
    await redis.config('SET', 'slowlog-log-slower-than', -1);
  }
  const entries = await redis.callBuffer('SLOWLOG', 'GET', LAST);
  const found = (Array.isArray(entries) ? entries : []).map(commandOf).find(isAboutOwner(router));
  if (!found) throw new Error('Redis was not asked who owns the interface');
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
