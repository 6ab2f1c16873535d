import { createHash } from 'node:crypto';
import { KEY_FAMILIES, type KeyFamily } from '../src/keys.ts';
import type { LuaSource } from './lua-source.ts';

/** All files of the arbiter: the entry, the operations by name, and the libraries in the order of their includes. */
export interface ArbiterSources {
  readonly entry: LuaSource;
  readonly operations: ReadonlyMap<string, LuaSource>;
  readonly libraries: readonly LuaSource[];
}

/** A library of Redis Functions: its code, its name and the names of its functions. */
export interface Library {
  readonly name: string;
  /** Decides any batch; Redis refuses the call when it is out of memory. */
  readonly decide: string;
  /** The same for batches that need no memory; Redis runs it even then. */
  readonly ask: string;
  readonly code: string;
}

/** Composes the library: keys, libraries, operations, entry; without comments and indentation. */
export function composeLibrary({ entry, operations, libraries }: ArbiterSources): Library {
  const parts = [
    keyNames(),
    ...libraries.map((library) => library.code),
    'local operations = {}',
    ...[...operations.values()].map(operationBlock),
    `local interface_args = { ${[...operations].map(([name, source]) => interfaceArgs(name, source)).join(', ')} }`,
    entry.code,
  ];
  const body = withoutComments(parts.join('\n'));
  const name = `mgm_${createHash('sha1').update(body).digest('hex').slice(0, 16)}`;
  const [decide, ask] = [`${name}_decide`, `${name}_ask`];
  const code = [
    `#!lua name=${name}`,
    body,
    'local function run(keys, args)',
    "if #keys == 0 then return 'ready' end",
    'use_keys_of(keys[1])',
    'return decide(args[1])',
    'end',
    `redis.register_function('${decide}', run)`,
    `redis.register_function{ function_name = '${ask}', callback = run, flags = { 'allow-oom' } }`,
    '',
  ].join('\n');
  return { name, decide, ask, code };
}

/** The names of a router's keys, set by each call. */
function keyNames(): string {
  const single = KEY_FAMILIES.filter(({ part }) => !part);
  const many = KEY_FAMILIES.filter(({ part }) => part);
  return [
    `local root, ${single.map(({ name }) => `${name}_key`).join(', ')}`,
    ...many.map(({ name }) => `local ${name}_root`),
    'local function use_keys_of(meta)',
    "root = string.sub(meta, 1, -string.len('meta') - 1)",
    ...single.map(({ name, suffix }) => `${name}_key = root .. '${suffix}'`),
    ...many.map(({ name, suffix }) => `${name}_root = root .. '${suffix}'`),
    'end',
    ...many.map(keyFunction),
  ].join('\n');
}

function keyFunction({ name, part }: KeyFamily): string {
  const text = part?.type === 'integer' ? `string.format('%d', ${part.name})` : String(part?.name);
  return `local function ${name}_key(${part?.name}) return ${name}_root .. ${text} end`;
}

/** An operation's file defines `operations.<name>`; its other names are local to it. */
function operationBlock({ code }: LuaSource): string {
  return `do\n${code}\nend`;
}

/** The positions of the interface arguments in a call, whose records a batch reads in one command. */
function interfaceArgs(name: string, { args }: LuaSource): string {
  const positions = args.flatMap((arg, at) => {
    if (arg.type === 'interface') return [`interface = ${at + 2}`];
    return arg.type === 'interface[]' ? [`interfaces = ${at + 2}`] : [];
  });
  return `['${name}'] = { ${positions.join(', ')} }`;
}

function withoutComments(lua: string): string {
  return lua
    .split('\n')
    .map((line) => line.replace(/^\s*--.*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n');
}
