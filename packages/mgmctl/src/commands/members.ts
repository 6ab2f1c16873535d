import type { ListedMembership, Mgm, SessionItem } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, interfaceText } from '@mgm/protocol';
import {
  checkSource,
  group as groupOf,
  ifIndex as indexOf,
  nextHop as hopOf,
  session as sessionNumber,
  source as sourceOf,
} from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';
import { shownGroup, shownSources } from '../output/text.ts';

interface MembersOptions extends TableOptions {
  readonly group?: string | undefined;
  readonly source?: string | undefined;
  readonly session?: number | undefined;
  readonly if?: number | undefined;
  readonly nextHop?: string | undefined;
}

/** A membership with the clients of its sessions; `undefined` for a session that registered meanwhile. */
interface Row extends ListedMembership {
  readonly holder: SessionItem | undefined;
  readonly owner: SessionItem | undefined;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<Row>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => shownGroup(group) },
  { name: 'SOURCE', rank: 0, cell: ({ source, exclude }) => shownSources(source, exclude) },
  { name: 'INTERFACE', rank: 0, cell: (row) => interfaceText(row) },
  {
    name: 'HOLDER',
    rank: 0,
    cell: ({ holder, session }) => (holder ? clientText(holder) : sessionText(session, 'static')),
  },
  { name: 'SESSION', rank: 2, cell: ({ session }) => String(session) },
  {
    name: 'COUNTS FOR',
    rank: 1,
    cell: ({ owner, countsFor }) => (owner ? clientText(owner) : sessionText(countsFor, 'nobody')),
  },
];

function sessionText(session: number, none: string): string {
  return session === 0 ? none : String(session);
}

export function addMembers(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('members'), COLUMNS)
    .summary('list the memberships')
    .description(
      'Lists the memberships: which client wants which group on which interface. A membership of IGMP counts for the owner of the interface.',
    )
    .option('--group <address>', 'only this group; * is the entry of all groups', groupOf)
    .option('--source <address>', 'with --group: only this source; * is any source', sourceOf)
    .option(
      '--session <number>',
      'only those of this session, and of IGMP on its interfaces',
      sessionNumber,
    )
    .option('--if <index>', 'only on this interface, with all its next hops', indexOf)
    .option('--next-hop <address>', 'with --if: only of this next hop', hopOf)
    .addHelpText(
      'after',
      examples('members --group 239.1.1.1', 'members --if 7 --json', "members --group '*'"),
    )
    .action(async (options: MembersOptions, command: Command) => {
      checkFilter(options);
      await connected(command, (context) => members(context, options));
    });
}

/** @throws UsageError for filters that do not fit together */
function checkFilter({ group, source, if: ifIndex, nextHop }: MembersOptions): void {
  if (source !== undefined) checkSource(group, source);
  if (nextHop !== undefined && ifIndex === undefined) throw new UsageError('--next-hop needs --if');
}

/** In the order of the wire contract. An empty list is no failure. */
async function members({ mgm, out, signal }: Context, options: MembersOptions): Promise<ExitCode> {
  const found = matching(mgm, options, signal);
  if (out.json) {
    for await (const item of found) out.object(item);
    return ExitCode.ok;
  }
  const listed = await Array.fromAsync(found);
  if (listed.length === 0) out.note(emptyNote(mgm, options));
  else out.items(COLUMNS, await withClients(mgm, listed, signal), options);
  return ExitCode.ok;
}

function emptyNote({ router }: Mgm, { output, columns, ...filter }: MembersOptions): string {
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return isFiltered ? 'no membership matches the filter' : `no memberships on router ${router}`;
}

async function* matching(
  mgm: Mgm,
  { group, source, session, if: ifIndex, nextHop }: MembersOptions,
  signal: AbortSignal,
): AsyncGenerator<ListedMembership> {
  const filter = { group, source, session, limit: PAGE_ITEMS, signal };
  if (ifIndex !== undefined && nextHop !== undefined) {
    yield* mgm.members({ ...filter, ifIndex, nextHop });
    return;
  }
  // No list has every next hop: static memberships may be on interfaces without a client.
  for await (const item of mgm.members(filter)) {
    if (ifIndex === undefined || item.ifIndex === ifIndex) yield item;
  }
}

async function withClients(
  mgm: Mgm,
  listed: readonly ListedMembership[],
  signal: AbortSignal,
): Promise<Row[]> {
  const clients = new Map<number, SessionItem>();
  for await (const item of mgm.sessions({ limit: PAGE_ITEMS, signal })) {
    clients.set(item.session, item);
  }
  return listed.map((item) => ({
    ...item,
    holder: clients.get(item.session),
    owner: clients.get(item.countsFor),
  }));
}
