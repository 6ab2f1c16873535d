import { isMgmError, protocolName, type ReportedMfe } from '@mgm/client';
import { counted, durationText, interfaceText, outgoingText } from '@mgm/protocol';
import type { Command } from 'commander';
import { group as groupOf, host } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, NotFoundError, UsageError } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';

interface MfeOptions extends TableOptions {
  readonly group?: string | undefined;
  readonly source?: string | undefined;
}

const PAGE_ITEMS = 1_000;
/** The most outgoing interfaces in a cell of the table. */
const OIFS_SHOWN = 8;

const COLUMNS: readonly Column<ReportedMfe>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => group },
  { name: 'SOURCE', rank: 0, cell: ({ source }) => source },
  { name: 'IN', rank: 0, cell: (mfe) => incomingText(mfe) },
  { name: 'OUT', rank: 0, cell: (mfe) => outgoingText(mfe, OIFS_SHOWN) },
  { name: 'OWNER', rank: 1, cell: (mfe) => ownerText(mfe) },
  {
    name: 'FAILED',
    rank: 1,
    cell: ({ failed = [] }, { red }) =>
      failed.length > 0 ? red(counted(failed.length, 'agent')) : '',
  },
  { name: 'UPSTREAM', rank: 2, cell: ({ upstream = '' }) => upstream },
  { name: 'EXPIRES IN', rank: 3, cell: ({ expiresInMs }) => durationText(expiresInMs) },
];

export function addMfe(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('mfe'), COLUMNS)
    .summary('list the forwarding entries, or show one')
    .description(
      'Lists the multicast forwarding entries: by which interfaces packets of a source to a group arrive and leave.\n' +
        'With --group and --source: shows that entry in full. Exit code 4 if there is none.',
    )
    .option('--group <address>', 'only entries of this group', groupOf)
    .option('--source <address>', 'only entries of this source', host)
    .addHelpText(
      'after',
      examples('mfe', 'mfe --group 239.1.1.1', 'mfe --group 239.1.1.1 --source 10.1.2.3 --json'),
    )
    .action(async (options: MfeOptions, command: Command) => {
      const { group, source } = options;
      if (group === '' || group === '::') {
        throw new UsageError('--group must be one group: a forwarding entry has no wildcard');
      }
      await connected(command, (context) =>
        group === undefined || source === undefined
          ? list(context, options)
          : show(context, group, source),
      );
    });
}

/** By family, group and source. An empty list is no failure. */
async function list({ mgm, out, signal }: Context, options: MfeOptions): Promise<ExitCode> {
  const { group, source } = options;
  const rows: ReportedMfe[] = [];
  for await (const mfe of mgm.mfes({ limit: PAGE_ITEMS, signal })) {
    if (group !== undefined && mfe.group !== group) continue;
    if (source !== undefined && mfe.source !== source) continue;
    if (out.json) out.object(mfe);
    else rows.push(mfe);
  }
  if (out.json) return ExitCode.ok;
  if (rows.length > 0) out.items(COLUMNS, rows, options);
  else {
    const isFiltered = group !== undefined || source !== undefined;
    out.note(
      isFiltered
        ? 'no forwarding entry matches the filter'
        : `no forwarding entries on router ${mgm.router}`,
    );
  }
  return ExitCode.ok;
}

/** Rejects as `not-found` if there is no entry. */
async function show(
  { mgm, out, signal }: Context,
  group: string,
  source: string,
): Promise<ExitCode> {
  const mfe = await mgm.getMfe({ group, source }, { signal }).catch((error: unknown) => {
    if (!isMgmError(error, 'not-found')) throw error;
    const next = 'mgmctl mfe lists the entries; the first packet of a flow creates one';
    throw new NotFoundError(`there is no forwarding entry for (${source}, ${group})`, {
      next,
      cause: error,
    });
  });
  if (out.json) out.object(mfe);
  else out.fields(fieldsOf(mfe));
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

function incomingText(mfe: ReportedMfe): string {
  return mfe.session === 0 ? 'none' : interfaceText(mfe);
}

function ownerText({ session, protocolId }: ReportedMfe): string {
  return session === 0 ? '' : protocolName(protocolId);
}
