import { isMgmError, protocolName, type ListedRoute, type ResolvedRoute } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, interfaceText } from '@mgm/protocol';
import { host, session as sessionNumber } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, NotFoundError, UsageError } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';

interface RibOptions extends TableOptions {
  readonly session?: number | undefined;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<ListedRoute>[] = [
  { name: 'PREFIX', rank: 0, cell: (route) => prefixText(route) },
  { name: 'INTERFACE', rank: 0, cell: (route) => interfaceText(route) },
  { name: 'UPSTREAM', rank: 1, cell: ({ neighbour }) => neighbour },
  { name: 'ORIGIN', rank: 3, cell: ({ protocolId }) => protocolName(protocolId) },
  { name: 'PREFERENCE', rank: 4, cell: ({ preference }) => String(preference) },
  { name: 'SESSION', rank: 2, cell: ({ session }) => String(session) },
  { name: 'BEST', rank: 0, cell: ({ best }, { green }) => (best ? green('best') : '') },
];

export function addRib(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('rib'), COLUMNS)
    .summary('list the routes of the multicast view, or look up a source')
    .description(
      'Lists the routes of the multicast view. With a source: shows the best route to it and the owner of its\n' +
        'interface, which is alerted for its (s,g). Exit code 4 if there is no route.',
    )
    .argument('[source]', 'the address of a source', host)
    .option('--session <number>', 'only the routes of this session', sessionNumber)
    .addHelpText('after', examples('rib', 'rib 10.1.2.3', 'rib --session 12 --json'))
    .action((source: string | undefined, options: RibOptions, command: Command) =>
      connected(command, (context) =>
        source === undefined ? list(context, options) : resolve(context, source, options),
      ),
    );
}

/** By family, network and length. */
async function list({ mgm, out, signal }: Context, options: RibOptions): Promise<ExitCode> {
  const { session } = options;
  const isFiltered = session !== undefined;
  return await out.list(mgm.routes({ session, limit: PAGE_ITEMS, signal }), {
    columns: COLUMNS,
    options,
    none: isFiltered ? 'no route matches the filter' : `no routes on router ${mgm.router}`,
  });
}

/** Rejects as `not-found` if there is no route. */
async function resolve(
  { mgm, out, signal }: Context,
  source: string,
  { session }: RibOptions,
): Promise<ExitCode> {
  if (session !== undefined) throw new UsageError('--session is for the list, not for a source');
  const route = await mgm.resolveRoute(source, { signal }).catch((error: unknown) => {
    throw isMgmError(error, 'not-found') ? noRoute(source, error) : error;
  });
  if (out.json) out.object({ source, ...route });
  else out.fields(fieldsOf(source, route));
  return ExitCode.ok;
}

function noRoute(source: string, cause: unknown): NotFoundError {
  return new NotFoundError(`there is no route to ${source}`, {
    next: 'mgmctl rib lists the routes',
    cause,
  });
}

function fieldsOf(source: string, route: ResolvedRoute): Record<string, string | undefined> {
  const { neighbour, protocolId, owner } = route;
  return {
    source,
    route: prefixText(route),
    interface: interfaceText(route),
    upstream: neighbour || undefined,
    origin: protocolName(protocolId),
    owner: owner ? clientText(owner) : 'none',
    session: owner && String(owner.session),
  };
}

function prefixText({ network, length }: Pick<ListedRoute, 'network' | 'length'>): string {
  return `${network}/${length}`;
}
