import type { InterfaceItem } from '@mgm/client';
import type { Command } from 'commander';
import { ifIndex as indexOf, protocol, session } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import type { Colors } from '../output/terminal.ts';
import { clientText, holdText, instantText, interfaceText } from '../output/text.ts';

interface InterfacesOptions {
  readonly session?: number | undefined;
  readonly protocol?: number | undefined;
  readonly if?: number | undefined;
  readonly stale?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

export function addInterfaces(program: Command, { connected }: Runner): void {
  program
    .command('interfaces')
    .summary('list the interfaces that are held, and their owners')
    .description('Lists the interfaces that are held.')
    .option('--session <number>', 'only those of this session', session)
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
  const { session: ofSession, protocol: protocolId } = options;
  const rows: InterfaceItem[] = [];
  const filter = { session: ofSession, protocolId, limit: PAGE_ITEMS, signal };
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
    out.table(
      HEAD,
      ordered.map((item) => cells(item, out.colors)),
    );
  }
  return ExitCode.ok;
}

function isFiltered({
  session: ofSession,
  protocol: ofProtocol,
  if: ifIndex,
  stale,
}: InterfacesOptions): boolean {
  return [ofSession, ofProtocol, ifIndex, stale].some((filter) => filter !== undefined);
}

function matches(item: InterfaceItem, { if: ifIndex, stale }: InterfacesOptions): boolean {
  return (ifIndex === undefined || item.ifIndex === ifIndex) && (!stale || item.stale);
}

const HEAD = ['INTERFACE', 'OWNER', 'SESSION', 'EPOCH', 'SINCE (UTC)', 'STATE', 'IGMP SESSION'];

function cells(item: InterfaceItem, colors: Colors): string[] {
  const { session: ofSession, epoch, since, stale, igmp } = item;
  const paint = stale ? colors.red : colors.green;
  return [
    interfaceText(item),
    paint(clientText(item)),
    String(ofSession),
    epoch,
    instantText(since),
    stale ? colors.red(holdText(item)) : holdText(item),
    igmp ? colors.cyan(String(igmp.session)) : '',
  ];
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

function byKey(a: InterfaceItem, b: InterfaceItem): number {
  return a.ifIndex - b.ifIndex || BY_NUMBERS.compare(a.nextHop, b.nextHop);
}
