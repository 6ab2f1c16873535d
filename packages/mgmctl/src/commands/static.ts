import { isMgmError, type InterfaceKey, type ListedMembership } from '@mgm/client';
import { interfaceText } from '@mgm/protocol';
import type { Command } from 'commander';
import {
  adminOptions,
  declined,
  withAdminOptions,
  type AdminFlags,
  type AdminOptions,
} from '../admin-options.ts';
import {
  checkSource,
  group as groupOf,
  ifIndex as indexOf,
  source as sourceOf,
} from '../arguments.ts';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode, NotFoundError } from '../exit-code.ts';
import { withTableOptions, type Column, type TableOptions } from '../output/columns.ts';
import { entryText, shownGroup, shownSource } from '../output/text.ts';

interface EntryFlags extends AdminFlags {
  readonly group: string;
  readonly source?: string | undefined;
}

interface ListOptions extends TableOptions {
  readonly if?: number | undefined;
}

/** What a command changes: an entry on an interface. */
interface Target extends InterfaceKey {
  readonly group: string;
  readonly source: string;
}

const PAGE_ITEMS = 1_000;

const COLUMNS: readonly Column<ListedMembership>[] = [
  { name: 'GROUP', rank: 0, cell: ({ group }) => shownGroup(group) },
  { name: 'SOURCE', rank: 0, cell: ({ source }) => shownSource(source) },
  { name: 'INTERFACE', rank: 0, cell: (row) => interfaceText(row) },
  {
    name: 'COUNTS FOR',
    rank: 1,
    cell: ({ countsFor }) => (countsFor === 0 ? 'nobody' : `session ${countsFor}`),
  },
];

export function addStatic(program: Command, runner: Runner): void {
  const group = program
    .command('static')
    .summary('configure static memberships')
    .description(
      'Configures memberships that no session holds. They count for the owner of the interface, or for IGMP\n' +
        'if it is there alone. While no client holds the interface, they count for no client.',
    )
    .addHelpText(
      'after',
      examples('static list', 'static add 7 --group 239.1.1.1 --why "a camera without IGMP"'),
    );
  addChange(group, runner, 'add');
  addChange(group, runner, 'delete');
  withTableOptions(group.command('list'), COLUMNS)
    .summary('list the static memberships')
    .description(
      'Lists the static memberships. COUNTS FOR is nobody while no client is on the interface.',
    )
    .option('--if <index>', 'only on this interface, with all its next hops', indexOf)
    .addHelpText('after', examples('static list', 'static list --if 7 --json'))
    .action((options: ListOptions, command: Command) =>
      runner.connected(command, (context) => list(context, options)),
    );
}

const CHANGES = {
  add: {
    summary: 'configure a static membership',
    description: 'Configures a static membership. One that exists already is no failure.',
    example: '--why "receivers without IGMP"',
  },
  delete: {
    summary: 'remove a static membership',
    description:
      'Removes a static membership. Exit code 4 if there is none; those of sessions stay.',
    example: '--why "the receivers are gone"',
  },
} as const;

function addChange(group: Command, { io, connected }: Runner, change: keyof typeof CHANGES): void {
  const { summary, description, example } = CHANGES[change];
  withAdminOptions(withInterface(group.command(change)))
    .summary(summary)
    .description(description)
    .requiredOption('--group <address>', 'the group; * for all groups', groupOf)
    .option('--source <address>', 'the source (any)', sourceOf)
    .addHelpText(
      'after',
      examples(
        `static ${change} 7 --group 239.1.1.1 ${example}`,
        `static ${change} 7 10.0.0.9 --group 232.1.1.1 --source 192.0.2.1 ${example}`,
      ),
    )
    .action(async (...[index, hop, flags, command]: OnInterface<EntryFlags>) => {
      const { group: named, source = '' } = flags;
      if (source !== '') checkSource(named, source);
      const target = { ...keyOf(index, hop), group: named, source };
      const options = adminOptions(flags, io);
      await connected(command, (context) =>
        change === 'add' ? add(context, target, options) : remove(context, target, options),
      );
    });
}

async function add(
  context: Context,
  target: Target,
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  if (confirm && !(await confirm(`Configure ${targetText(target)}?`))) return declined(context);
  const { changed, mrev } = await mgm.adminAddMembership({ ...target, actor, why }, { signal });
  if (out.json) out.object({ changed, ...target, mrev, actor, why });
  else out.line(`${changed ? 'configured' : 'there is already'} ${targetText(target)}`);
  return ExitCode.ok;
}

/** Rejects as `not-found` if there is no such membership. */
async function remove(
  context: Context,
  target: Target,
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  if (confirm && !(await confirm(`Remove ${targetText(target)}?`))) return declined(context);
  const { changed, mrev } = await mgm
    .adminDeleteMembership({ ...target, actor, why }, { signal })
    .catch((error: unknown) => {
      if (!isMgmError(error, 'not-found')) throw error;
      throw new NotFoundError(`there is no ${targetText(target)}`, {
        next: 'mgmctl static list lists them',
        cause: error,
      });
    });
  if (out.json) out.object({ changed, ...target, mrev, actor, why });
  else out.line(`removed ${targetText(target)}`);
  return ExitCode.ok;
}

function targetText({ group, source, ...key }: Target): string {
  return `static membership ${entryText(group, source)} on interface ${interfaceText(key)}`;
}

/** In the order of the wire contract. */
async function list(context: Context, options: ListOptions): Promise<ExitCode> {
  const { if: ifIndex } = options;
  return await context.out.list(matching(context, ifIndex), {
    columns: COLUMNS,
    options,
    none:
      ifIndex === undefined
        ? `no static memberships on router ${context.mgm.router}`
        : 'no static membership matches the filter',
  });
}

async function* matching(
  { mgm, signal }: Context,
  ifIndex: number | undefined,
): AsyncGenerator<ListedMembership> {
  for await (const item of mgm.members({ limit: PAGE_ITEMS, signal })) {
    if (item.session !== 0) continue;
    if (ifIndex === undefined || item.ifIndex === ifIndex) yield item;
  }
}
