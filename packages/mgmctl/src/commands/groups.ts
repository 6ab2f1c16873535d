import type { ListedEntry, ListedGroup } from '@mgm/client';
import type { Command } from 'commander';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
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

/** In the order of the wire contract. An empty list is no failure. */
async function groups(
  { mgm, out, signal }: Context,
  { any, ...options }: GroupsOptions,
): Promise<ExitCode> {
  const page = { limit: PAGE_ITEMS, signal };
  const isEmpty = any
    ? await show(mgm.groups({ ...page, type: 'any' }), ANY_COLUMNS)
    : await show(mgm.groups(page), COLUMNS);
  if (isEmpty) out.note(`no memberships on router ${mgm.router}`);
  return ExitCode.ok;

  async function show<Item extends object>(
    found: AsyncIterable<Item>,
    columns: readonly Column<Item>[],
  ): Promise<boolean> {
    if (!out.json) {
      const rows = await Array.fromAsync(found);
      if (rows.length > 0) out.items(columns, rows, options);
      return rows.length === 0;
    }
    for await (const item of found) out.object(item);
    return false;
  }
}
