import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Folders with servers that are often missing from the PATH of an ordinary user. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** A server program of this machine. */
export interface LocalProgram {
  /** A name on the PATH, or a path. */
  readonly command: string;
  readonly version: string;
}

/** The program found, or why none is usable. */
export type ProgramSearch =
  | { readonly kind: 'found'; readonly program: LocalProgram }
  | { readonly kind: 'missing'; readonly why: string };

/** The names of a kind of server program, and the oldest supported version. */
export interface ProgramWish {
  readonly names: readonly string[];
  readonly oldest: string;
}

/** Redis 7.0 is the oldest supported line; Valkey began at 7.2. */
export const REDIS_PROGRAM: ProgramWish = {
  names: ['redis-server', 'valkey-server'],
  oldest: '7.0',
};
export const NATS_PROGRAM: ProgramWish = { names: ['nats-server'], oldest: '2.9' };

/** Searches the PATH and the usual folders, or only `folder`, and asks each program for its version. */
export async function findProgram(wish: ProgramWish, folder?: string): Promise<ProgramSearch> {
  let why = `no ${wish.names.join(' or ')} ${folder === undefined ? 'on the PATH' : `in ${folder}`}`;
  for (const command of candidates(wish, folder)) {
    const version = await versionOf(command);
    if (version === undefined) continue;
    if (isAtLeast(version, wish.oldest)) return { kind: 'found', program: { command, version } };
    why = `${command} is ${version}, but ${wish.oldest} is the oldest supported`;
  }
  return { kind: 'missing', why };
}

function candidates({ names }: ProgramWish, folder: string | undefined): string[] {
  if (folder !== undefined) return names.map((name) => `${folder}/${name}`);
  return names.flatMap((name) => [name, ...SERVER_FOLDERS.map((dir) => `${dir}/${name}`)]);
}

/** `Redis server v=7.0.15 sha=…`, `Valkey server v=8.1.1 …`, `nats-server: v2.9.10`. */
async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['--version'], { timeout: 10_000 });
    return /\bv=?(\d+\.\d+(?:\.\d+)*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, 'en', { numeric: true }) >= 0;
}
