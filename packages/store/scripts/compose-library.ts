import { createHash } from 'node:crypto';
import { KEY_FAMILIES, type KeyFamily } from '../src/keys.ts';
import { LuaSourceError, type LuaSource } from './lua-source.ts';

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
    ...libraryBlocks(libraries, [...operations.values(), entry]),
    'local operations = {}',
    ...[...operations.values()].map(operationBlock),
    `local interface_args = { ${[...operations].map(([name, source]) => interfaceArgs(name, source)).join(', ')} }`,
    entry.code,
  ];
  const body = withConstants(withKeyFields(withoutComments(parts.join('\n'))), libraries);
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

/** The names of a router's keys, set by each call: fields of one table, since local variables are few. */
function keyNames(): string {
  const single = KEY_FAMILIES.filter(({ part }) => !part);
  const many = KEY_FAMILIES.filter(({ part }) => part);
  return [
    'local root, router_keys = nil, {}',
    'local function use_keys_of(meta)',
    "root = string.sub(meta, 1, -string.len('meta') - 1)",
    ...single.map(({ name, suffix }) => `router_keys.${name} = root .. '${suffix}'`),
    'end',
    ...many.map(keyFunction),
    // The keys of single clients, interfaces and entries are deleted with these.
    'local function delete_router()',
    `redis.call('DEL', ${single.flatMap(({ name, isKept }) => (isKept ? [] : [`router_keys.${name}`])).join(', ')})`,
    'end',
  ].join('\n');
}

function keyFunction({ name, suffix, part }: KeyFamily): string {
  const text = part?.type === 'integer' ? `string.format('%d', ${part.name})` : String(part?.name);
  return `function router_keys.${name}(${part?.name}) return root .. '${suffix}' .. ${text} end`;
}

const KEY_NAME = new RegExp(`\\b(${KEY_FAMILIES.map(({ name }) => name).join('|')})_key\\b`, 'g');

/** The code with every name of a key, as `meta_key`, in the form of {@link keyNames}. */
function withKeyFields(lua: string): string {
  return lua.replaceAll(KEY_NAME, 'router_keys.$1');
}

/** `local FIRST, SECOND = 1, 'text'`: names in capitals, and as many numbers and texts. */
const CONSTANTS =
  /^local ([A-Z][A-Z_]*(?:, [A-Z][A-Z_]*)*) = ((?:\d+|'[^',]*')(?:, (?:\d+|'[^',]*'))*)$/gm;

/** A text, or a name that is not a field, neither after a dot nor in `{ name = value }`. */
const TEXT_OR_NAME = /'[^'\n]*'|(?<!\w|(?<!\.)\.)[A-Za-z_]\w*\b(?! = )/g;

/** The code with the values of the libraries' constants in place of their names, since local variables are few. */
function withConstants(lua: string, libraries: readonly LuaSource[]): string {
  const values = new Map<string, string>();
  for (const { code, path } of libraries) {
    for (const [, names = '', list = ''] of code.matchAll(CONSTANTS)) {
      for (const [at, name] of names.split(', ').entries()) {
        if (values.has(name)) throw new LuaSourceError(path, 1, `\`${name}\` is defined twice`);
        values.set(name, list.split(', ')[at] ?? 'nil');
      }
    }
  }
  const redefined = lua
    .match(CONSTANTS)
    ?.find((line) => [...values.keys()].some((name) => new RegExp(`\\b${name}\\b.* =`).test(line)));
  if (redefined !== undefined)
    throw new Error(`a constant of a library is defined again: ${redefined}`);
  return lua.replaceAll(TEXT_OR_NAME, (word) => values.get(word) ?? word);
}

/** Lua allows 200 local variables in one function; some are not of libraries. */
const SHARED_MAX = 185;

const TOP_LEVEL_LOCAL = /^local (?:function ([a-z_]+)\(|([A-Za-z_, ]+?)(?= =|$))/gm;

/** A name that is not a field: one dot in front of it, unlike two, makes it a field. */
const FREE_NAME = /(?<!\w|(?<!\.)\.)[A-Za-z_]\w*/g;

/**
 * Lua allows 200 local variables in one function. So each library is a block, and only the names that other files use are
 * declared outside of it.
 */
function libraryBlocks(libraries: readonly LuaSource[], users: readonly LuaSource[]): string[] {
  const taken = new Set<string>();
  return libraries.map((library) => {
    const others = [...libraries, ...users].filter((one) => one !== library);
    const words = new Set(
      others.flatMap(({ code }) => withoutComments(code).match(FREE_NAME) ?? []),
    );
    const shared: string[] = [];
    const code = library.code
      .replaceAll(CONSTANTS, '')
      .replaceAll(TOP_LEVEL_LOCAL, (text, name?: string, list?: string) => {
        const names = name === undefined ? (list ?? '').split(', ') : [name];
        if (!names.some((one) => words.has(one))) return text;
        shared.push(...names);
        if (name !== undefined) return text.slice('local '.length);
        return library.code.includes(`${text} =`) ? text.slice('local '.length) : '';
      });
    for (const name of shared) {
      if (taken.has(name)) throw new LuaSourceError(library.path, 1, `\`${name}\` is shared twice`);
      taken.add(name);
    }
    if (taken.size > SHARED_MAX) throw new LuaSourceError(library.path, 1, 'too many shared names');
    const declared = shared.length > 0 ? `local ${shared.join(', ')}\n` : '';
    return `${declared}do\n${code}\nend`;
  });
}

/** An operation's file defines `operations.<name>`; its other names are local to it. */
function operationBlock({ code }: LuaSource): string {
  return `do\n${code}\nend`;
}

/** The positions of the interface arguments in a call, whose records a batch reads in one command. */
function interfaceArgs(name: string, { args }: LuaSource): string {
  const positions = args.flatMap((arg, at) => {
    if (arg.type === 'interface') return [`interface = ${at + 2}`];
    if (arg.type === 'entry[]') return [`entries = ${at + 2}`];
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
