import type { AgentItem } from '@mgm/client';
import { counted } from '@mgm/protocol';
import type { Command } from 'commander';
import { examples, type Context, type Runner } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';

/** An agent, and how many changes of forwarding entries it has not programmed yet. */
interface Row extends AgentItem {
  readonly behind: number;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<Row>[] = [
  { name: 'AGENT', rank: 0, cell: ({ name }) => name },
  { name: 'SESSION', rank: 1, cell: ({ session }) => String(session) },
  { name: 'PROGRAMMED', rank: 2, cell: ({ frev }) => String(frev) },
  {
    name: 'BEHIND',
    rank: 0,
    cell: ({ behind }, { green, yellow }) =>
      behind === 0 ? green('0') : yellow(counted(behind, 'change')),
  },
  {
    name: 'FAILED',
    rank: 0,
    cell: ({ failed }, { red }) => (failed === 0 ? '0' : red(String(failed))),
  },
];

export function addAgents(program: Command, { connected }: Runner): void {
  withTableOptions(program.command('agents'), COLUMNS)
    .summary('list the forwarder agents, and how far they are')
    .description(
      'Lists the sessions that forward packets: up to which revision each has programmed the forwarding entries, by how\n' +
        'many changes it is behind, and how many entries it could not program; mgmctl mfe shows which.',
    )
    .addHelpText('after', examples('agents', 'agents --json'))
    .action((options: TableOptions, command: Command) =>
      connected(command, (context) => list(context, options)),
    );
}

async function list(context: Context, options: TableOptions): Promise<ExitCode> {
  const none = `no forwarder agents on router ${context.mgm.router}`;
  return await context.out.list(agents(context), { columns: COLUMNS, options, none });
}

async function* agents({ mgm, signal }: Context): AsyncGenerator<Row> {
  for await (const { agents: page, frev } of mgm.agentPages({ limit: PAGE_ITEMS, signal })) {
    // An agent may have reported a later revision than the page was read at.
    for (const agent of page) yield { ...agent, behind: Math.max(0, frev - agent.frev) };
  }
}
