import { isMgmError, type Mgm, type Sighting, type SnapshotReason } from '@mgm/client';
import type { Command } from 'commander';
import { count as positive, revision } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { probe } from '../connection.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import { eventLine } from '../output/event-line.ts';
import type { Output } from '../output/output.ts';
import { counted } from '../output/text.ts';

interface WatchOptions {
  readonly from?: number | undefined;
  readonly count?: number | undefined;
}

export function addWatch(program: Command, { connected }: Runner): void {
  program
    .command('watch')
    .summary('show each change as it happens')
    .description('Shows each change as it happens, without gaps, until Ctrl-C.')
    .option('--from <revision>', 'begin with the changes after this revision', revision)
    .option('--count <number>', 'end after this many changes', positive)
    .addHelpText('after', examples('watch', 'watch --from 0 --count 10 --json'))
    .action((options: WatchOptions, command: Command) =>
      connected(command, (context) => watch(context, options)),
    );
}

async function watch(
  { mgm, out, signal }: Context,
  { from, count }: WatchOptions,
): Promise<ExitCode> {
  // A watch waits for managers without a limit; at its start a missing manager is an error.
  await probe(mgm, signal);
  if (from !== undefined) await checkBegin(mgm, from, signal);
  let left = count ?? Infinity;
  for await (const sighting of mgm.watch({ from, signal })) {
    show(sighting, out);
    if (sighting.kind === 'event') left -= 1;
    if (left <= 0) return ExitCode.ok;
  }
  return ExitCode.interrupted;
}

/** @throws UsageError if the revision does not exist yet */
async function checkBegin(mgm: Mgm, from: number, signal: AbortSignal): Promise<void> {
  const { head } = await mgm.events(from, { limit: 1, signal }).catch((error: unknown) => {
    if (isMgmError(error, 'compacted')) return { head: Infinity };
    throw error;
  });
  if (from <= head) return;
  throw new UsageError(`revision ${from} does not exist yet, the last is ${head}`);
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
