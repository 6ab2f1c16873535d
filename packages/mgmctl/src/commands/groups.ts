import type { ListedEntry, ListedGroup } from '@mgm/client';
import type { Command } from 'commander';
import { examples, type Context, type Runner } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';
import { shownGroup, shownSource } from '../output/text.ts';

interface GroupsOptions extends TableOptions {
  readonly any?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<ListedEntry>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => shownGroup(group) },
  { name: 'SOURCE', rank: 0, cell: ({ source }) => shownSource(source) },
  { name: 'CLIENTS', rank: 1, cell: ({ clients }) => String(clients) },
];

const ANY_COLUMNS: readonly Column<ListedGroup>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => shownGroup(group) },
];

export function addGroups(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('groups'), COLUMNS)
    .summary('list the groups that have members')
    .description(
      'Lists the groups with memberships, each with its source: * is any source or all groups. CLIENTS is for how many clients the memberships count.',
    )
    .option('--any', 'each group once, whatever its sources')
    .addHelpText('after', examples('groups', 'groups --any', 'groups --json'))
    .action((options: GroupsOptions, command: Command) =>
      connected(command, (context) => groups(context, options)),
    );
}

/** In the order of the wire contract. */
async function groups(
  { mgm, out, signal }: Context,
  { any, ...options }: GroupsOptions,
): Promise<ExitCode> {
  const page = { limit: PAGE_ITEMS, signal };
  const none = `no memberships on router ${mgm.router}`;
  return any
    ? await out.list(mgm.groups({ ...page, type: 'any' }), { columns: ANY_COLUMNS, options, none })
    : await out.list(mgm.groups(page), { columns: COLUMNS, options, none });
}
