import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import type { InterfaceItem, Mgm, SessionItem, WatchedMembership } from '@mgm/client';
import type { Command } from 'commander';
import { instantText } from '@mgm/protocol';
import { plainExamples, type Context, type OfflineContext, type Runner } from '../command.ts';
import { probe } from '../connection.ts';
import { ExitCode, OutputError, UsageError } from '../exit-code.ts';

const FORMAT = 'mgm-snapshot';
const VERSION = 1;
const PAGE_ITEMS = 1_000;

/** The file of a snapshot. Interfaces are those at revision `rev`, memberships those at `mrev`. */
interface Snapshot {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** ms since 1970 by the clock of the machine that saved it. */
  readonly savedAt: number;
  readonly router: string;
  readonly prefix: string;
  readonly log: string;
  readonly rev: number;
  readonly mrev: number;
  readonly sessions: readonly SessionItem[];
  readonly interfaces: readonly InterfaceItem[];
  readonly memberships: readonly WatchedMembership[];
}

const SAVE = '--router r1 snapshot save r1.json';
const INSPECT = 'snapshot inspect r1.json';

export function addSnapshot(program: Command, { connected, offline }: Runner): void {
  const snapshot = program
    .command('snapshot')
    .summary('save the state of a router to a file')
    .description('Saves the state of a router to a file, to look at later. It cannot be restored.')
    .addHelpText('after', plainExamples(SAVE, INSPECT));
  snapshot
    .command('save')
    .summary('save sessions, interfaces and memberships')
    .description(
      'Saves sessions, interfaces, memberships and revisions of a router. Replaces the file, which only its owner can read.',
    )
    .argument('<file>', 'the file to write')
    .addHelpText('after', plainExamples(SAVE, `${SAVE} --json`))
    .action((file: string, _: object, command: Command) =>
      connected(command, (context) => save(context, file)),
    );
  snapshot
    .command('inspect')
    .summary('show what a snapshot contains')
    .description('Shows what a snapshot contains. Needs no connection.')
    .argument('<file>', 'a file of mgmctl snapshot save')
    .addHelpText('after', plainExamples(INSPECT, `${INSPECT} --json`))
    .action((file: string, _: object, command: Command) =>
      offline(command, (context) => inspect(context, file)),
    );
}

async function save({ mgm, out, signal }: Context, file: string): Promise<ExitCode> {
  // The snapshots below wait for managers without a limit.
  await probe(mgm, signal);
  const snapshot = await readRouter(mgm, signal);
  await replace(file, `${JSON.stringify(snapshot)}\n`);
  showSummary(snapshot, out);
  return ExitCode.ok;
}

async function readRouter(mgm: Mgm, signal: AbortSignal): Promise<Snapshot> {
  const sessions = await Array.fromAsync(mgm.sessions({ limit: PAGE_ITEMS, signal }));
  const held = await first(mgm.watch({ signal }), 'snapshot');
  const members = await first(mgm.watchMemberships({ signal }), 'snapshot');
  signal.throwIfAborted();
  if (held?.kind !== 'snapshot' || members?.kind !== 'snapshot' || held.log !== members.log) {
    throw new Error('the store lost its log while the router was read: try again');
  }
  const { interfaces, rev, log } = held;
  const { memberships, mrev } = members;
  const { router, prefix } = mgm;
  const head = { format: FORMAT, version: VERSION, savedAt: Date.now(), router, prefix } as const;
  return { ...head, log, rev, mrev, sessions, interfaces, memberships };
}

/** The first sighting of a kind. */
async function first<Seen extends { readonly kind: string }>(
  sightings: AsyncIterable<Seen>,
  kind: Seen['kind'],
): Promise<Seen | undefined> {
  for await (const seen of sightings) if (seen.kind === kind) return seen;
  return undefined;
}

/** Writes a file as a whole or not at all. @throws OutputError */
async function replace(file: string, text: string): Promise<void> {
  const replacement = `${file}.${randomUUID()}`;
  try {
    const handle = await open(replacement, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(replacement, file);
  } catch (error) {
    await rm(replacement, { force: true });
    throw new OutputError(messageOf(error));
  }
}

async function inspect({ out }: OfflineContext, file: string): Promise<ExitCode> {
  showSummary(await readSnapshot(file), out);
  return ExitCode.ok;
}

/** @throws UsageError for a file that is no snapshot */
async function readSnapshot(file: string): Promise<Summarized> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`the snapshot cannot be read: ${messageOf(error)}`);
  });
  const read = parse(text);
  if (fieldOf(read, 'format') !== FORMAT) throw new UsageError(`${file} is no snapshot`);
  const version = fieldOf(read, 'version');
  if (version !== VERSION) {
    throw new UsageError(`${file} has version ${String(version)}, this mgmctl reads ${VERSION}`);
  }
  if (isSummarized(read)) return read;
  throw new UsageError(`${file} is damaged: fields are missing`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a summary needs of a snapshot. */
interface Summarized {
  readonly savedAt: number;
  readonly router: string;
  readonly log: string;
  readonly rev: number;
  readonly mrev: number;
  readonly sessions: readonly unknown[];
  readonly interfaces: readonly unknown[];
  readonly memberships: readonly unknown[];
}

function isSummarized(read: unknown): read is Summarized {
  const isAll = (type: string, ...names: readonly string[]): boolean =>
    names.every((name) => typeof fieldOf(read, name) === type);
  return (
    isAll('number', 'savedAt', 'rev', 'mrev') &&
    isAll('string', 'router', 'log') &&
    ['sessions', 'interfaces', 'memberships'].every((name) => Array.isArray(fieldOf(read, name)))
  );
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function showSummary(snapshot: Summarized, out: OfflineContext['out']): void {
  const { savedAt, router, log, rev, mrev } = snapshot;
  const counts = {
    sessions: snapshot.sessions.length,
    interfaces: snapshot.interfaces.length,
    memberships: snapshot.memberships.length,
  };
  if (out.json) return out.object({ router, savedAt, log, rev, mrev, ...counts });
  out.fields({
    router,
    saved: `${instantText(savedAt)} UTC`,
    revision: `${rev} of log ${log}`,
    'membership revision': String(mrev),
    sessions: String(counts.sessions),
    interfaces: String(counts.interfaces),
    memberships: String(counts.memberships),
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
