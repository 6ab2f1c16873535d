import type { InterfaceItem } from '@mgm/client';
import type { Command } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { Colors } from './output.ts';
import { clientText, holdText, instantText, interfaceText } from './words.ts';

/** Which interfaces to list. */
export interface InterfacesOptions {
  readonly session?: number | undefined;
  readonly protocol?: number | undefined;
  readonly if?: number | undefined;
  readonly stale?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

/** Lists the interfaces that somebody is on, in the order of their indices. None is an answer, too. */
export const interfaces: Command<InterfacesOptions> = async ({ mgm, out, signal }, options) => {
  const { session, protocol: protocolId } = options;
  const rows: InterfaceItem[] = [];
  for await (const item of mgm.interfaces({ session, protocolId, limit: PAGE_ITEMS, signal })) {
    if (!isWanted(item, options)) continue;
    if (out.json) out.object(item);
    else rows.push(item);
  }
  if (out.json) return ExitCode.ok;
  if (rows.length === 0) out.note('no such interfaces are held');
  else
    out.table(
      HEAD,
      rows.toSorted(byKey).map((item) => cells(item, out.colors)),
    );
  return ExitCode.ok;
};

function isWanted(item: InterfaceItem, { if: ifIndex, stale }: InterfacesOptions): boolean {
  return (ifIndex === undefined || item.ifIndex === ifIndex) && (!stale || item.stale);
}

const HEAD = ['INTERFACE', 'OWNER', 'SESSION', 'EPOCH', 'SINCE (UTC)', 'STATE', 'IGMP SESSION'];

function cells(item: InterfaceItem, colors: Colors): string[] {
  const { session, epoch, since, stale, igmp } = item;
  const paint = stale ? colors.red : colors.green;
  return [
    interfaceText(item),
    paint(clientText(item)),
    String(session),
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
