import type { InterfaceKey, InterfaceLimits } from '@mgm/client';
import { interfaceText } from '@mgm/protocol';
import type { Command } from 'commander';
import {
  adminOptions,
  declined,
  withAdminOptions,
  type AdminFlags,
  type AdminOptions,
} from '../admin-options.ts';
import { integer } from '../arguments.ts';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import type { Io } from '../io.ts';

type Settings = Partial<InterfaceLimits>;

type SetFlags = AdminFlags & Settings;

const limit = integer(0, 2 ** 32 - 1);

export function addLimit(program: Command, { io, connected }: Runner): void {
  const group = program
    .command('limit')
    .summary('show or set the limits of an interface')
    .description(
      'Limits the memberships on an interface. A limit applies to what is added later; what is there stays.',
    )
    .addHelpText('after', examples('limit get 7', 'limit set 7 --max-groups 100 --why "one flat"'));
  withInterface(group.command('get'))
    .summary('show the limits of an interface')
    .description('Shows the limits of an interface, and whether it ignores exclude lists (lite).')
    .addHelpText('after', examples('limit get 7', 'limit get 7 --json'))
    .action((...[index, hop, , command]: OnInterface) =>
      connected(command, (context) => get(context, keyOf(index, hop), io)),
    );
  withAdminOptions(withInterface(group.command('set')))
    .summary('set the limits of an interface')
    .description('Sets the limits that are given; others stay.')
    .option('--max-groups <number>', 'how many groups may have memberships; 0 for no limit', limit)
    .option('--max-entries <number>', 'how many memberships there may be; 0 for no limit', limit)
    .option('--lite', 'ignore exclude lists')
    .option('--no-lite', 'heed exclude lists')
    .addHelpText(
      'after',
      examples(
        'limit set 7 --max-groups 100 --why "limit of the line"',
        'limit set 7 --max-groups 0 --no-lite --why "the line was replaced"',
      ),
    )
    .action(async (...[index, hop, flags, command]: OnInterface<SetFlags>) => {
      const { maxGroups, maxEntries, lite } = flags;
      const settings = { maxGroups, maxEntries, lite };
      if (Object.values(settings).every((value) => value === undefined)) {
        throw new UsageError('give --max-groups, --max-entries, --lite or --no-lite');
      }
      const key = keyOf(index, hop);
      await connected(command, (context) => set(context, key, settings, adminOptions(flags, io)));
    });
}

/** A request without settings changes nothing and is not in the operator log. */
async function get({ mgm, out, signal }: Context, key: InterfaceKey, io: Io): Promise<ExitCode> {
  const by = { actor: io.user, why: 'mgmctl limit get' };
  const { maxGroups, maxEntries, lite } = await mgm.adminSetInterface(
    { ...key, ...by },
    { signal },
  );
  if (out.json) out.object({ ...key, maxGroups, maxEntries, lite });
  else out.fields(fieldsOf(key, { maxGroups, maxEntries, lite }));
  return ExitCode.ok;
}

async function set(
  context: Context,
  key: InterfaceKey,
  settings: { readonly [Name in keyof Settings]: Settings[Name] | undefined },
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  const question = `Change the limits of interface ${interfaceText(key)}?`;
  if (confirm && !(await confirm(question))) return declined(context);
  const { maxGroups, maxEntries, lite } = settings;
  const { changed, ...before } = await mgm.adminSetInterface(
    { ...key, maxGroups, maxEntries, lite, actor, why },
    { signal },
  );
  const after = {
    maxGroups: maxGroups ?? before.maxGroups,
    maxEntries: maxEntries ?? before.maxEntries,
    lite: lite ?? before.lite,
  };
  if (out.json) out.object({ changed, ...key, ...after, actor, why });
  else out.fields(fieldsOf(key, after));
  if (!out.json && !changed) out.note('nothing was changed');
  return ExitCode.ok;
}

function fieldsOf(key: InterfaceKey, { maxGroups, maxEntries, lite }: InterfaceLimits) {
  return {
    interface: interfaceText(key),
    'max groups': limitText(maxGroups),
    'max entries': limitText(maxEntries),
    lite: lite ? 'yes: exclude lists are ignored' : 'no',
  };
}

function limitText(max: number): string {
  return max === 0 ? 'no limit' : String(max);
}
