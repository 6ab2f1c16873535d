import { isMgmError, protocolName, type MfeStats, type ReportedMfe } from '@mgm/client';
import { counted, durationText, interfaceText, outgoingText } from '@mgm/protocol';
import type { Command } from 'commander';
import { group as groupOf, host } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, NotFoundError, UsageError } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';

interface MfeOptions extends TableOptions {
  readonly group?: string | undefined;
  readonly source?: string | undefined;
  readonly stats?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;
/** The most outgoing interfaces in a cell of the table. */
const OIFS_SHOWN = 8;

const FLOW: readonly Column<ReportedMfe | MfeStats>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => group },
  { name: 'SOURCE', rank: 0, cell: ({ source }) => source },
  { name: 'IN', rank: 0, cell: (mfe) => incomingText(mfe) },
  { name: 'OUT', rank: 0, cell: (mfe) => outgoingText(mfe, OIFS_SHOWN) },
  { name: 'OWNER', rank: 1, cell: (mfe) => ownerText(mfe) },
];

const STATE: readonly Column<ReportedMfe | MfeStats>[] = [
  { name: 'UPSTREAM', rank: 2, cell: ({ upstream = '' }) => upstream },
  { name: 'EXPIRES IN', rank: 3, cell: ({ expiresInMs }) => durationText(expiresInMs) },
];

const COLUMNS: readonly Column<ReportedMfe>[] = [
  ...FLOW,
  {
    name: 'FAILED',
    rank: 1,
    cell: ({ failed = [] }, { red }) =>
      failed.length > 0 ? red(counted(failed.length, 'agent')) : '',
  },
  ...STATE,
];

const COUNTERS: readonly Column<MfeStats>[] = [
  { name: 'PACKETS', rank: 0, cell: ({ inPkts }) => String(inPkts) },
  { name: 'BYTES', rank: 0, cell: ({ inOctets }) => String(inOctets) },
];

export function addMfe(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('mfe'), [...COLUMNS, ...COUNTERS])
    .summary('list the forwarding entries, or show one')
    .description(
      'Lists the multicast forwarding entries: by which interfaces packets of a source to a group arrive and leave.\n' +
        'With --group and --source: shows that entry in full. Exit code 4 if there is none.\n' +
        'With --stats: the columns PACKETS and BYTES instead of FAILED, or all counters of the entry.',
    )
    .option('--group <address>', 'only entries of this group', groupOf)
    .option('--source <address>', 'only entries of this source', host)
    .option('--stats', 'also what agents counted: sums over all agents')
    .addHelpText(
      'after',
      examples(
        'mfe',
        'mfe --group 239.1.1.1',
        'mfe --stats',
        'mfe --group 239.1.1.1 --source 10.1.2.3 --json',
      ),
    )
    .action(async (options: MfeOptions, command: Command) => {
      const { group, source } = options;
      if (group === '' || group === '::') {
        throw new UsageError('--group must be one group: a forwarding entry has no wildcard');
      }
      checkColumns(options);
      await connected(command, (context) =>
        group === undefined || source === undefined
          ? list(context, options)
          : show(context, { group, source }, options.stats ?? false),
      );
    });
}

/** A column that the table would not have is not left out silently. */
function checkColumns({ columns = [], stats = false }: MfeOptions): void {
  const absent = stats ? ['failed'] : ['packets', 'bytes'];
  const name = columns.find((one) => absent.includes(one));
  if (name === undefined) return;
  throw new UsageError(
    `the column ${name} is ${stats ? 'not shown with' : 'only shown with'} --stats`,
  );
}

/** By family, group and source. */
async function list({ mgm, out, signal }: Context, options: MfeOptions): Promise<ExitCode> {
  const { group, source, stats = false } = options;
  const paging = { limit: PAGE_ITEMS, signal };
  const isFiltered = group !== undefined || source !== undefined;
  const none = isFiltered
    ? 'no forwarding entry matches the filter'
    : `no forwarding entries on router ${mgm.router}`;
  if (!stats) {
    return await out.list(matching(mgm.mfes(paging), options), { columns: COLUMNS, options, none });
  }
  const columns = [...FLOW, ...STATE, ...COUNTERS];
  return await out.list(matching(mgm.mfeStats(paging), options), { columns, options, none });
}

async function* matching<Item extends { readonly group: string; readonly source: string }>(
  all: AsyncIterable<Item>,
  { group, source }: Pick<MfeOptions, 'group' | 'source'>,
): AsyncGenerator<Item> {
  for await (const item of all) {
    if (group !== undefined && item.group !== group) continue;
    if (source === undefined || item.source === source) yield item;
  }
}

/** Rejects as `not-found` if there is no entry. */
async function show(
  { mgm, out, signal }: Context,
  ref: { readonly group: string; readonly source: string },
  stats: boolean,
): Promise<ExitCode> {
  const { group, source } = ref;
  const read = async () => ({
    mfe: await mgm.getMfe(ref, { signal }),
    counters: stats ? await mgm.getMfeStats(ref, { signal }) : undefined,
  });
  const { mfe, counters } = await read().catch((error: unknown) => {
    if (!isMgmError(error, 'not-found')) throw error;
    const next = 'mgmctl mfe lists the entries; the first packet of a flow creates one';
    throw new NotFoundError(`there is no forwarding entry for (${source}, ${group})`, {
      next,
      cause: error,
    });
  });
  if (out.json) out.object({ ...mfe, ...counters });
  else out.fields({ ...fieldsOf(mfe), ...(counters && countersOf(counters)) });
  return ExitCode.ok;
}

function fieldsOf(mfe: ReportedMfe): Record<string, string | undefined> {
  const { group, source, incarnation, iifEpoch, session, upstream, route } = mfe;
  return {
    group,
    source,
    in: incomingText(mfe),
    epoch: session === 0 ? undefined : iifEpoch,
    owner: ownerText(mfe) || 'none',
    session: session === 0 ? undefined : String(session),
    upstream: upstream || undefined,
    route: route && `${route.network}/${route.length} of ${protocolName(route.protocolId)}`,
    out: outgoingText(mfe),
    up: durationText(mfe.upMs),
    'expires in': durationText(mfe.expiresInMs),
    incarnation: String(incarnation),
    ...failuresOf(mfe),
  };
}

/** A field for each agent that could not program the entry. */
function failuresOf({ failed = [] }: ReportedMfe): Record<string, string> {
  return Object.fromEntries(failed.map(([session, reason]) => [`failed in ${session}`, reason]));
}

/** Counters that are 0 are left out, but for those of packets that passed. */
function countersOf(stats: MfeStats): Record<string, string | undefined> {
  const { inPkts, inOctets, pktsDifferentIf, queueOverflow, totalOutPackets = 0 } = stats;
  const { uninitMfe = 0, negativeMfe = 0, inDiscards = 0, inHdrErrors = 0 } = stats;
  const unlessZero = (count: number) => (count === 0 ? undefined : String(count));
  return {
    packets: String(inPkts),
    bytes: String(inOctets),
    sent: String(totalOutPackets),
    'on a wrong interface': unlessZero(pktsDifferentIf),
    'queue overflow': unlessZero(queueOverflow),
    'without entry': unlessZero(uninitMfe),
    'negative entry': unlessZero(negativeMfe),
    discarded: unlessZero(inDiscards),
    'header errors': unlessZero(inHdrErrors),
    ...Object.fromEntries(stats.oifs.map(oifCountersOf)),
  };
}

function oifCountersOf([ifIndex, nextHop, ...counters]: MfeStats['oifs'][number]): [
  string,
  string,
] {
  const [ttlTooLow, fragNeeded, outPackets, outDiscards] = counters;
  const parts = [
    `${outPackets} sent`,
    ...(outDiscards > 0 ? [`${outDiscards} discarded`] : []),
    ...(ttlTooLow > 0 ? [`${ttlTooLow} with a TTL too low`] : []),
    ...(fragNeeded > 0 ? [`${fragNeeded} too large`] : []),
  ];
  return [`over ${interfaceText({ ifIndex, nextHop })}`, parts.join(', ')];
}

function incomingText(mfe: ReportedMfe | MfeStats): string {
  return mfe.session === 0 ? 'none' : interfaceText(mfe);
}

function ownerText({ session, protocolId }: ReportedMfe | MfeStats): string {
  return session === 0 ? '' : protocolName(protocolId);
}
