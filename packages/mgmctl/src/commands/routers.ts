import type { RouterSummary } from '@mgm/client';
import type { Command } from 'commander';
import { plainExamples, type Context, type Runner } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';

const COLUMNS: readonly Column<RouterSummary>[] = [
  { name: 'ROUTER', rank: 0, cell: ({ router }) => router },
  { name: 'REVISION', rank: 0, cell: ({ rev }) => String(rev) },
  { name: 'LOG', rank: 1, cell: ({ log }) => log },
];

/** A client needs a router; the list does not depend on it. */
const ANY_ROUTER = 'mgmctl';

export function addRouters(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('routers'), COLUMNS)
    .summary('list the routers with live sessions')
    .description('Lists the routers that have live sessions. Needs no --router.')
    .addHelpText('after', plainExamples('routers', 'routers --json'))
    .action((options: TableOptions, command: Command) =>
      connected(command, (context) => routers(context, options), ANY_ROUTER),
    );
}

/** By name. */
async function routers({ mgm, out, signal }: Context, options: TableOptions): Promise<ExitCode> {
  const none = 'no router has live sessions';
  return await out.list(await mgm.routers({ signal }), { columns: COLUMNS, options, none });
}
