import type { SessionItem } from '@mgm/client';
import type { Command } from 'commander';
import { protocol as protocolOf } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
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
      connected(command, (context) => list(context, options)),
    );
}

/** The oldest first. */
async function list(context: Context, options: SessionsOptions): Promise<ExitCode> {
  const isFiltered = options.protocol !== undefined || options.stale === true;
  return await context.out.list(matching(context, options), {
    columns: SESSION_COLUMNS,
    options,
    order: (a, b) => a.session - b.session,
    none: isFiltered
      ? 'no session matches the filter'
      : `no sessions on router ${context.mgm.router}`,
  });
}

async function* matching(
  { mgm, signal }: Context,
  { protocol, stale }: SessionsOptions,
): AsyncGenerator<SessionItem> {
  for await (const item of mgm.sessions({ limit: PAGE_ITEMS, signal })) {
    if (protocol !== undefined && item.protocolId !== protocol) continue;
    if (!stale || item.state === 'stale') yield item;
  }
}
