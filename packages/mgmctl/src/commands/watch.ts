import {
  isMgmError,
  type MembershipSighting,
  type Sighting,
  type SnapshotReason,
} from '@mgm/client';
import type { Command } from 'commander';
import { counted } from '@mgm/protocol';
import { count as positive, revision } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { probe } from '../connection.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import { eventLine, membershipLines } from '../output/event-line.ts';
import type { Output } from '../output/output.ts';

interface WatchOptions {
  readonly memberships?: boolean | undefined;
  readonly from?: number | undefined;
  readonly count?: number | undefined;
}

export function addWatch(program: Command, { connected }: Runner): void {
  program
    .command('watch')
    .summary('show each change as it happens')
    .description('Shows each change as it happens, without gaps, until Ctrl-C.')
    .option('--memberships', 'the changes of memberships, which have revisions of their own')
    .option('--from <revision>', 'begin with the changes after this revision', revision)
    .option('--count <number>', 'end after this many changes', positive)
    .addHelpText(
      'after',
      examples(
        'watch',
        'watch --from 0 --count 10 --json',
        'watch --memberships',
        'watch --memberships --from 0 --json',
      ),
    )
    .action((options: WatchOptions, command: Command) =>
      connected(command, (context) =>
        options.memberships ? watchMemberships(context, options) : watch(context, options),
      ),
    );
}

async function watch(
  { mgm, out, signal }: Context,
  { from, count }: WatchOptions,
): Promise<ExitCode> {
  // A watch waits for managers without a limit; at its start a missing manager is an error.
  await probe(mgm, signal);
  if (from !== undefined) await checkBegin('revision', from, () => mgm.events(from, page(signal)));
  let left = count ?? Infinity;
  for await (const sighting of mgm.watch({ from, signal })) {
    show(sighting, out);
    if (sighting.kind === 'event') left -= 1;
    if (left <= 0) return ExitCode.ok;
  }
  return ExitCode.interrupted;
}

/** `--count` counts memberships. An event of several memberships is always shown completely, even if it exceeds the count. */
async function watchMemberships(
  { mgm, out, signal }: Context,
  { from, count }: WatchOptions,
): Promise<ExitCode> {
  await probe(mgm, signal);
  if (from !== undefined) {
    const read = (): Promise<Page> => mgm.memberEvents(from, page(signal));
    await checkBegin('membership revision', from, read);
  }
  let left = count ?? Infinity;
  for await (const sighting of mgm.watchMemberships({ from, signal })) {
    showMemberships(sighting, out);
    if (sighting.kind === 'event') left -= sighting.event.items.length;
    if (left <= 0) return ExitCode.ok;
  }
  return ExitCode.interrupted;
}

interface Page {
  readonly head: number;
}

function page(signal: AbortSignal): { readonly limit: number; readonly signal: AbortSignal } {
  return { limit: 1, signal };
}

/** @throws UsageError if the revision does not exist yet */
async function checkBegin(noun: string, from: number, read: () => Promise<Page>): Promise<void> {
  const { head } = await read().catch((error: unknown) => {
    if (isMgmError(error, 'compacted')) return { head: Infinity };
    throw error;
  });
  if (from <= head) return;
  throw new UsageError(`${noun} ${from} does not exist yet, the last is ${head}`);
}

function show(sighting: Sighting, out: Output): void {
  if (sighting.kind === 'snapshot') return showSnapshot(sighting, out);
  if (sighting.kind === 'synced') {
    // A person sees that the output pauses; a program needs a message.
    if (out.json) out.object({ ...sighting });
    return;
  }
  const { event } = sighting;
  if (out.json) out.object({ kind: 'event', ...event });
  else out.line(eventLine(event, out.colors));
}

const SNAPSHOT_REASONS: Readonly<Record<SnapshotReason, string>> = {
  start: '',
  compacted: ' (listed again: the log was compacted)',
  'store-reset': ' (listed again: the store lost its log)',
};

function showSnapshot(snapshot: Sighting & { readonly kind: 'snapshot' }, out: Output): void {
  const { interfaces, reason, rev, log } = snapshot;
  if (!out.json) {
    const held = `${counted(interfaces.length, 'interface')} held`;
    return out.line(out.colors.dim(`revision ${rev}: ${held}${SNAPSHOT_REASONS[reason]}`));
  }
  out.object({ kind: 'snapshot', reason, rev, log, interfaces: interfaces.length });
  for (const item of interfaces) out.object({ kind: 'interface', ...item });
}

function showMemberships(sighting: MembershipSighting, out: Output): void {
  if (sighting.kind === 'synced') {
    if (out.json) out.object({ ...sighting });
    return;
  }
  if (sighting.kind === 'event') {
    const { event } = sighting;
    if (out.json) out.object({ kind: 'event', ...event });
    else for (const line of membershipLines(event, out.colors)) out.line(line);
    return;
  }
  const { memberships, reason, mrev, log } = sighting;
  if (!out.json) {
    const found = `${counted(memberships.length, 'membership')}${SNAPSHOT_REASONS[reason]}`;
    return out.line(out.colors.dim(`membership revision ${mrev}: ${found}`));
  }
  out.object({ kind: 'snapshot', reason, mrev, log, memberships: memberships.length });
  for (const item of memberships) out.object({ kind: 'membership', ...item });
}
