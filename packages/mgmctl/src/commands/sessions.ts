import type { SessionItem } from '@mgm/client';
import type { Command } from 'commander';
import { protocol as protocolOf } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { withTableOptions, type TableOptions } from '../output/columns.ts';
import { SESSION_COLUMNS } from '../output/text.ts';

interface SessionsOptions extends TableOptions {
  readonly protocol?: number | undefined;
  readonly stale?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

export function addSessions(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('sessions'), SESSION_COLUMNS)
    .summary('list the sessions')
    .description('Lists the live sessions, and the stale ones within their grace time.')
    .option('--protocol <name>', 'only those of this protocol: PIM, IGMP or a number', protocolOf)
    .option('--stale', 'only stale ones')
    .addHelpText('after', examples('sessions', 'sessions --protocol 103 --json'))
    .action((options: SessionsOptions, command: Command) =>
      connected(command, (context) => sessions(context, options)),
    );
}

/** The oldest first. An empty list is no failure. */
async function sessions(
  { mgm, out, signal }: Context,
  options: SessionsOptions,
): Promise<ExitCode> {
  const rows: SessionItem[] = [];
  for await (const item of mgm.sessions({ limit: PAGE_ITEMS, signal })) {
    if (!matches(item, options)) continue;
    if (out.json) out.object(item);
    else rows.push(item);
  }
  if (out.json) return ExitCode.ok;
  const ordered = rows.toSorted((a, b) => a.session - b.session);
  const isFiltered = options.protocol !== undefined || options.stale === true;
  if (rows.length === 0)
    out.note(isFiltered ? 'no session matches the filter' : `no sessions on router ${mgm.router}`);
  else {
    out.items(SESSION_COLUMNS, ordered, options);
  }
  return ExitCode.ok;
}

function matches(item: SessionItem, { protocol, stale }: SessionsOptions): boolean {
  return (
    (protocol === undefined || item.protocolId === protocol) && (!stale || item.state === 'stale')
  );
}
