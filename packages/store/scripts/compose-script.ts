import { KEY_FAMILIES } from '../src/keys.ts';
import type { LuaSource } from './lua-source.ts';

/** All files of the arbiter: the entry, the operations by name, and the libraries in the order of their includes. */
export interface ArbiterSources {
  readonly entry: LuaSource;
  readonly operations: ReadonlyMap<string, LuaSource>;
  readonly libraries: readonly LuaSource[];
}

/** The one script that decides batches: keys, libraries, operations, entry. Comments and indentation stay at home. */
export function composeScript({ entry, operations, libraries }: ArbiterSources): string {
  const parts = [
    keyNames(),
    ...libraries.map((library) => library.code),
    'local operations = {}',
    ...[...operations].map(([name, source]) => operationFunction(name, source)),
    `local foreseen = { ${[...operations].map(([name, source]) => foreseenPlaces(name, source)).join(', ')} }`,
    'local request_packed = ARGV[1]',
    entry.code,
  ];
  return `${withoutComments(parts.join('\n'))}\n`;
}

function keyNames(): string {
  const root = "local root = string.sub(KEYS[1], 1, -string.len('meta') - 1)";
  return [root, ...KEY_FAMILIES.map(keyName)].join('\n');
}

function keyName({ name, suffix, part }: (typeof KEY_FAMILIES)[number]): string {
  if (!part) return `local ${name}_key = root .. '${suffix}'`;
  const value = part.type === 'integer' ? `string.format('%.0f', ${part.name})` : part.name;
  return `local function ${name}_key(${part.name}) return root .. '${suffix}' .. ${value} end`;
}

function operationFunction(name: string, { args, code }: LuaSource): string {
  const names = args.map((arg) => arg.name).join(', ');
  const places = args.map((_, at) => `call[${at + 2}]`).join(', ');
  const locals = args.length ? `local ${names} = ${places}` : '';
  return `operations['${name}'] = function(call)\n${locals}\n${code}\nend`;
}

/** Where in a call the batch finds what it reads ahead: the interfaces. */
function foreseenPlaces(name: string, { args }: LuaSource): string {
  const places = args.flatMap((arg, at) => {
    if (arg.type === 'interface') return [`interface = ${at + 2}`];
    return arg.type === 'interface[]' ? [`interfaces = ${at + 2}`] : [];
  });
  return `['${name}'] = { ${places.join(', ')} }`;
}

function withoutComments(lua: string): string {
  return lua
    .split('\n')
    .map((line) => line.replace(/^\s*--.*$/, '').trim())
    .filter((line) => line !== '')
    .join('\n');
}
