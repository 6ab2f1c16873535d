import { resolve } from 'node:path';
import { isRouterName, withoutSecrets } from '@mgm/protocol';
import type { Command } from 'commander';
import { plainExamples, type OfflineContext, type Runner } from '../command.ts';
import { natsServers, type GlobalOptions } from '../connection.ts';
import { LOGIN_OPTIONS, readContexts, writeContexts, type StoredContext } from '../contexts.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Column } from '../output/columns.ts';

interface Item extends StoredContext {
  readonly name: string;
  readonly isCurrent: boolean;
}

const COLUMNS: readonly Column<Item>[] = [
  { name: '', rank: 0, cell: ({ isCurrent }, { green }) => (isCurrent ? green('*') : '') },
  { name: 'NAME', rank: 0, cell: ({ name }) => name },
  { name: 'NATS', rank: 0, cell: ({ nats = '' }) => nats },
  { name: 'ROUTER', rank: 1, cell: ({ router = '' }) => router },
  { name: 'PREFIX', rank: 2, cell: ({ prefix = '' }) => prefix },
];

const ADD = 'context add lab --nats nats://10.0.0.5:4222 --router r1';

export function addContext(program: Command, { io, offline }: Runner): void {
  const group = program
    .command('context')
    .summary('keep NATS servers and routers under names')
    .description(
      'Keeps --nats, --router, --prefix, --inbox-prefix and the paths of credentials under a name, in a file that only its owner may read.',
    )
    .addHelpText('after', plainExamples(ADD, 'context use lab', '--context lab interfaces'));
  group
    .command('add <name>')
    .summary('keep the given options under a name')
    .description('Keeps the given options under this name; of credentials files only the paths.')
    .addHelpText('after', plainExamples(ADD, 'context add lab --creds lab.creds'))
    .action((name: string, _: object, command: Command) =>
      offline(command, (context) => add(name, command.optsWithGlobals(), context, io)),
    );
  group
    .command('use <name>')
    .summary('make a context the default')
    .description('Makes a context the default.')
    .addHelpText('after', plainExamples('context use lab'))
    .action((name: string, _: object, command: Command) =>
      offline(command, (context) => use(name, context, io)),
    );
  group
    .command('remove <name>')
    .summary('remove a context')
    .description('Removes a context.')
    .addHelpText('after', plainExamples('context remove lab'))
    .action((name: string, _: object, command: Command) =>
      offline(command, (context) => remove(name, context, io)),
    );
  group
    .command('list')
    .summary('list the contexts')
    .description('Lists the contexts, without passwords.')
    .addHelpText('after', plainExamples('context list', 'context list --json'))
    .action((_: object, command: Command) => offline(command, (context) => list(context, io)));
}

const NAME = /^[\w.-]{1,64}$/;

function add(name: string, options: GlobalOptions, { out }: OfflineContext, io: Io): ExitCode {
  const { nats, router, prefix } = options;
  if (!NAME.test(name))
    throw new UsageError(`<name> ${JSON.stringify(name)}: must be 1 to 64 of A-Z a-z 0-9 _ . -`);
  const login = loginOf(options);
  if ([nats, router, prefix, ...Object.values(login)].every((value) => value === undefined)) {
    throw new UsageError('nothing to keep: give --nats, --router, --prefix or credentials');
  }
  if (nats !== undefined) natsServers({ nats }, io);
  if (router !== undefined && !isRouterName(router)) {
    throw new UsageError(`--router ${JSON.stringify(router)}: must be 1 to 64 of A-Z a-z 0-9 _ -`);
  }
  const known = readContexts(io.env);
  const stored = {
    ...(nats !== undefined && { nats }),
    ...(router !== undefined && { router }),
    ...(prefix !== undefined && { prefix }),
    ...login,
  };
  writeContexts(io.env, { ...known, contexts: { ...known.contexts, [name]: stored } });
  if (out.json) out.object({ added: name });
  else out.line(`added context ${name}; mgmctl context use ${name} makes it the default`);
  return ExitCode.ok;
}

/** The given options of the login, with absolute paths. */
function loginOf(options: GlobalOptions): StoredContext {
  return Object.fromEntries(
    LOGIN_OPTIONS.flatMap((name) => {
      const value = options[name];
      if (value === undefined) return [];
      return [[name, name === 'inboxPrefix' ? value : resolve(value)]];
    }),
  );
}

function use(name: string, { out }: OfflineContext, io: Io): ExitCode {
  const known = readContexts(io.env);
  needs(known.contexts, name);
  writeContexts(io.env, { ...known, current: name });
  if (out.json) out.object({ current: name });
  else out.line(`context ${name} is the default`);
  return ExitCode.ok;
}

function remove(name: string, { out }: OfflineContext, io: Io): ExitCode {
  const { current, contexts } = readContexts(io.env);
  needs(contexts, name);
  const { [name]: _, ...others } = contexts;
  const isKept = current !== undefined && current !== name;
  writeContexts(io.env, { ...(isKept && { current }), contexts: others });
  if (out.json) out.object({ removed: name });
  else out.line(`removed context ${name}`);
  return ExitCode.ok;
}

function needs(contexts: Readonly<Record<string, StoredContext>>, name: string): void {
  if (!Object.hasOwn(contexts, name)) {
    throw new UsageError(`no context ${JSON.stringify(name)}: see mgmctl context list`);
  }
}

async function list({ out }: OfflineContext, io: Io): Promise<ExitCode> {
  const { current, contexts } = readContexts(io.env);
  const items = Object.entries(contexts).map(([name, { nats, ...stored }]) => ({
    name,
    isCurrent: name === current,
    ...stored,
    ...(nats !== undefined && { nats: withoutSecrets(nats) }),
  }));
  const none = 'no context: mgmctl context add keeps one';
  return await out.list(items, { columns: COLUMNS, options: {}, none });
}
