import type { InterfaceItem } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, instantText, interfaceText } from '@mgm/protocol';
import { ifIndex as indexOf, protocol, session as sessionNumber } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';
import { holdText } from '../output/text.ts';

interface InterfacesOptions extends TableOptions {
  readonly session?: number | undefined;
  readonly protocol?: number | undefined;
  readonly if?: number | undefined;
  readonly stale?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<InterfaceItem>[] = [
  { name: 'INTERFACE', rank: 0, cell: (item) => interfaceText(item) },
  {
    name: 'OWNER',
    rank: 0,
    cell: (item, { red, green }) => (item.stale ? red : green)(clientText(item)),
  },
  { name: 'SESSION', rank: 1, cell: ({ session }) => String(session) },
  { name: 'EPOCH', rank: 4, cell: ({ epoch }) => epoch },
  { name: 'SINCE (UTC)', rank: 3, cell: ({ since }) => instantText(since) },
  {
    name: 'STATE',
    rank: 0,
    cell: (item, { red }) => (item.stale ? red(holdText(item)) : holdText(item)),
  },
  {
    name: 'IGMP SESSION',
    rank: 2,
    cell: ({ igmp }, { cyan }) => (igmp ? cyan(String(igmp.session)) : ''),
  },
];

export function addInterfaces(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('interfaces'), COLUMNS)
    .summary('list the interfaces that are held, and their owners')
    .description('Lists the interfaces that are held.')
    .option('--session <number>', 'only those of this session', sessionNumber)
    .option('--protocol <name>', 'only those of this protocol: PIM, IGMP or a number', protocol)
    .option('--if <index>', 'only this interface, with all its next hops', indexOf)
    .option('--stale', 'only those whose holder is stale')
    .addHelpText('after', examples('interfaces --protocol PIM', 'interfaces --stale --json'))
    .action((options: InterfacesOptions, command: Command) =>
      connected(command, (context) => interfaces(context, options)),
    );
}

/** In the order of their indices. An empty list is no failure. */
async function interfaces(
  { mgm, out, signal }: Context,
  options: InterfacesOptions,
): Promise<ExitCode> {
  const { session, protocol: protocolId } = options;
  const rows: InterfaceItem[] = [];
  const filter = { session, protocolId, limit: PAGE_ITEMS, signal };
  for await (const item of mgm.interfaces(filter)) {
    if (!matches(item, options)) continue;
    if (out.json) out.object(item);
    else rows.push(item);
  }
  if (out.json) return ExitCode.ok;
  const ordered = rows.toSorted(byKey);
  if (rows.length === 0)
    out.note(isFiltered(options) ? 'no interface matches the filter' : 'no interface is held');
  else {
    out.items(COLUMNS, ordered, options);
  }
  return ExitCode.ok;
}

function isFiltered({
  session,
  protocol: protocolId,
  if: ifIndex,
  stale,
}: InterfacesOptions): boolean {
  return [session, protocolId, ifIndex, stale].some((filter) => filter !== undefined);
}

function matches(item: InterfaceItem, { if: ifIndex, stale }: InterfacesOptions): boolean {
  return (ifIndex === undefined || item.ifIndex === ifIndex) && (!stale || item.stale);
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

function byKey(a: InterfaceItem, b: InterfaceItem): number {
  return a.ifIndex - b.ifIndex || BY_NUMBERS.compare(a.nextHop, b.nextHop);
}
