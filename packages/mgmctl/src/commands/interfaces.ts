import type { InterfaceItem } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, instantText, interfaceText } from '@mgm/protocol';
import { ifIndex as indexOf, protocol, session as sessionNumber } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
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
      connected(command, (context) => list(context, options)),
    );
}

/** In the order of their indices. */
async function list(context: Context, options: InterfacesOptions): Promise<ExitCode> {
  return await context.out.list(matching(context, options), {
    columns: COLUMNS,
    options,
    order: byKey,
    none: isFiltered(options) ? 'no interface matches the filter' : 'no interface is held',
  });
}

async function* matching(
  { mgm, signal }: Context,
  { session, protocol: protocolId, if: ifIndex, stale }: InterfacesOptions,
): AsyncGenerator<InterfaceItem> {
  const filter = { session, protocolId, limit: PAGE_ITEMS, signal };
  for await (const item of mgm.interfaces(filter)) {
    if (ifIndex !== undefined && item.ifIndex !== ifIndex) continue;
    if (!stale || item.stale) yield item;
  }
}

function isFiltered({
  session,
  protocol: protocolId,
  if: ifIndex,
  stale,
}: InterfacesOptions): boolean {
  return [session, protocolId, ifIndex, stale].some((filter) => filter !== undefined);
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

function byKey(a: InterfaceItem, b: InterfaceItem): number {
  return a.ifIndex - b.ifIndex || BY_NUMBERS.compare(a.nextHop, b.nextHop);
}
