import type { Sighting } from '@mgm/client';
import type { Command } from './command.ts';
import { eventLine } from './event-line.ts';
import { ExitCode } from './exit-code.ts';
import type { Output } from './output.ts';
import { probe } from './probe.ts';
import { counted } from './words.ts';

/** Where to begin, and after how many changes to end. */
export interface WatchOptions {
  readonly from?: number | undefined;
  readonly count?: number | undefined;
}

/** Shows each change as it happens, without gaps, until it is interrupted or has shown `count` of them. */
export const watch: Command<WatchOptions> = async ({ mgm, out, signal }, { from, count }) => {
  // Watching waits for managers without a limit; whoever begins wants to know that there are none.
  await probe(mgm, signal);
  let left = count ?? Infinity;
  for await (const sighting of mgm.watch({ from, signal })) {
    show(sighting, out);
    if (sighting.kind === 'event') left -= 1;
    if (left <= 0) return ExitCode.ok;
  }
  return ExitCode.interrupted;
};

function show(sighting: Sighting, out: Output): void {
  if (sighting.kind === 'snapshot') return showSnapshot(sighting, out);
  if (sighting.kind === 'synced') {
    // A person sees that it waits; a program must be told.
    if (out.json) out.object({ ...sighting });
    return;
  }
  const { event } = sighting;
  if (out.json) out.object({ kind: 'event', ...event });
  else out.line(eventLine(event, out.colors));
}

function showSnapshot(snapshot: Sighting & { readonly kind: 'snapshot' }, out: Output): void {
  const { interfaces, reason, rev, log } = snapshot;
  if (!out.json) {
    const held = `${counted(interfaces.length, 'interface')} held`;
    const why = reason === 'start' ? '' : ` (anew: ${reason})`;
    return out.line(out.colors.dim(`revision ${rev}: ${held}${why}`));
  }
  out.object({ kind: 'snapshot', reason, rev, log, interfaces: interfaces.length });
  for (const item of interfaces) out.object({ kind: 'interface', ...item });
}
