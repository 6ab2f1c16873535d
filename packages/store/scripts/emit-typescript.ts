import { expand } from './check-tags.ts';
import type { ArbiterSources, Library } from './compose-library.ts';
import { FLAG_NAMES, type Case, type Field, type LuaSource } from './lua-source.ts';

/** The TypeScript names of the header's scalar types. All other types are shapes or unions. */
const SCALARS: ReadonlyMap<string, string> = new Map([
  ['integer', 'number'],
  ['string', 'string'],
  ['entry', 'string'],
  ['flag', 'boolean'],
  ['epoch', 'Epoch'],
  ['session', 'SessionId'],
  ['revision', 'Revision'],
  ['interface', 'InterfaceKey'],
  ['handle', 'HandleParts'],
]);

/** The TypeScript module of the arbiter: library code, types, flags, argument encoders and reply decoders. */
export function emitTypeScript(library: Library, sources: ArbiterSources): string {
  const all = [...sources.libraries, ...sources.operations.values()];
  const unions = new Map(all.flatMap((source) => [...source.unions]));
  const shapes = new Map(all.flatMap((source) => [...source.shapes]));
  const operations = [...sources.operations];
  return [
    '// Generated from packages/store/lua by `npm run generate`. Do not edit.',
    "import type { Epoch, InterfaceKey, Revision, SessionId } from '@mgm/protocol';",
    "import { interfaceName, type HandleParts } from '../names.ts';",
    "import * as read from '../script-values.ts';",
    '',
    `export const LIBRARY_NAME = '${library.name}';`,
    '/** Decides any batch; Redis refuses the call when it is out of memory. */',
    `export const DECIDE = '${library.decide}';`,
    '/** The same for batches that need no memory; Redis runs it even then. */',
    `export const ASK = '${library.ask}';`,
    `export const LIBRARY = ${JSON.stringify(library.code)};`,
    '',
    ...[...shapes].map(([name, fields]) => shapeType(name, fields)),
    ...[...unions].map(([name, cases]) => unionType(pascal(name), expand(cases, unions))),
    ...operations.map(([name, source]) => argsType(name, source)),
    ...operations.map(([name, source]) =>
      unionType(`${pascal(name)}ScriptReply`, expand(source.replies, unions)),
    ),
    operationMap('ArbiterArgs', operations, 'Args'),
    operationMap('ScriptReplies', operations, 'ScriptReply'),
    'export type ArbiterOperation = keyof ArbiterArgs;',
    '',
    flagTable(operations),
    declaredReplies(operations, unions),
    ...[...shapes].map(([name, fields]) => shapeReader(name, fields)),
    ...[...unions]
      .filter(([name]) => isFieldType(name, all))
      .map(([name, cases]) => unionReader(name, pascal(name), expand(cases, unions))),
    ...operations.map(([name, source]) =>
      unionReader(`${name}_reply`, `${pascal(name)}ScriptReply`, expand(source.replies, unions)),
    ),
    encoders(operations),
    decoders(operations),
  ].join('\n');
}

/** Whether a field has this type; a union that is only spread into others needs no reader. */
function isFieldType(name: string, all: readonly LuaSource[]): boolean {
  const cases = all.flatMap((source) => [...source.replies, ...[...source.unions.values()].flat()]);
  const fields = cases.flatMap((one) => (one.kind === 'case' ? one.fields : []));
  return fields.some(({ type }) => typeOf(type).base === name);
}

function pascal(name: string): string {
  return name.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

interface FieldType {
  readonly base: string;
  readonly list: boolean;
  readonly optional: boolean;
}

function typeOf(type: string): FieldType {
  const optional = type.endsWith('?');
  const bare = optional ? type.slice(0, -1) : type;
  const list = bare.endsWith('[]');
  return { base: list ? bare.slice(0, -2) : bare, list, optional };
}

function member({ name, type }: Field): string {
  const { base, list, optional } = typeOf(type);
  const text = SCALARS.get(base) ?? pascal(base);
  const full = list ? `readonly ${text}[]` : text;
  return `readonly ${camel(name)}: ${full}${optional ? ' | undefined' : ''}`;
}

function shapeType(name: string, fields: readonly Field[]): string {
  return `export interface ${pascal(name)} { ${fields.map(member).join('; ')} }\n`;
}

function unionType(name: string, cases: readonly Case[]): string {
  const forms = cases.flatMap((one) =>
    one.kind === 'case'
      ? [`{ ${[`readonly kind: '${one.tag}'`, ...one.fields.map(member)].join('; ')} }`]
      : [],
  );
  return `export type ${name} =\n  | ${forms.join('\n  | ')};\n`;
}

function argsType(name: string, { args, doc }: LuaSource): string {
  const text = doc.split('\n')[0];
  if (!args.length)
    return `/** ${text} */\nexport type ${pascal(name)}Args = Record<string, never>;\n`;
  return `/** ${text} */\nexport interface ${pascal(name)}Args { ${args.map(member).join('; ')} }\n`;
}

function operationMap(
  name: string,
  operations: readonly (readonly [string, LuaSource])[],
  suffix: string,
): string {
  const lines = operations.map(([operation]) => `  ${operation}: ${pascal(operation)}${suffix};`);
  return `export interface ${name} {\n${lines.join('\n')}\n}\n`;
}

function flagTable(operations: readonly (readonly [string, LuaSource])[]): string {
  const flags = FLAG_NAMES.map((flag) => `readonly ${flag}: boolean`).join('; ');
  const lines = operations.map(([name, source]) => {
    const values = FLAG_NAMES.map((flag) => `${flag}: ${source.flags.has(flag)}`);
    return `  ${name}: { ${values.join(', ')} },`;
  });
  return `/** How the batcher treats each operation, from the header tags that the package's README explains. */
export const FLAGS: { readonly [Name in ArbiterOperation]: { ${flags} } } = {
${lines.join('\n')}
};
`;
}

/** Every reply and outcome that a header declares, by operation: the tests must reach each. */
function declaredReplies(
  operations: readonly (readonly [string, LuaSource])[],
  unions: ReadonlyMap<string, readonly Case[]>,
): string {
  const lines = operations.map(([name, source]) => {
    const own = [...source.unions.values()].flat();
    const tags = [...expand(source.replies, unions), ...own].flatMap((one) =>
      one.kind === 'case' ? [`'${one.tag}'`] : [],
    );
    return `  ${name}: [${tags.join(', ')}],`;
  });
  return `/** Every reply and outcome that the headers declare. */
export const DECLARED: { readonly [Name in ArbiterOperation]: readonly string[] } = {
${lines.join('\n')}
};
`;
}

function readerOf(type: string, value: string): string {
  const { base, list, optional } = typeOf(type);
  const one = SCALARS.has(base) ? `read.${base}` : camel(`read_${base}`);
  if (list) return `read.list(${value}, ${one})`;
  return optional ? `read.optional(${value}, ${one})` : `${one}(${value})`;
}

function objectOf(
  fields: readonly Field[],
  valueAt: (at: number) => string,
  head: readonly string[] = [],
): string {
  const members = fields.map(
    ({ name, type }, at) => `${camel(name)}: ${readerOf(type, valueAt(at))}`,
  );
  return `{ ${[...head, ...members].join(', ')} }`;
}

/** Optional fields at the end are absent in data of earlier versions. */
function leastOf(fields: readonly Field[]): number {
  return fields.findLastIndex(({ type }) => !type.endsWith('?')) + 1;
}

function shapeReader(name: string, fields: readonly Field[]): string {
  return `export function ${camel(`read_${name}`)}(value: unknown): ${pascal(name)} {
  const row = read.row(value, '${name}', ${leastOf(fields)});
  return ${objectOf(fields, (at) => `row[${at}]`)};
}
`;
}

function unionReader(name: string, type: string, cases: readonly Case[]): string {
  const arms = cases.flatMap((one) =>
    one.kind === 'case'
      ? [
          `    case '${one.tag}':
      read.width(row, '${name} ${one.tag}', ${one.fields.length + 1});
      return ${objectOf(one.fields, (at) => `row[${at + 1}]`, [`kind: '${one.tag}'`])};`,
        ]
      : [],
  );
  return `function ${camel(`read_${name}`)}(value: unknown): ${type} {
  const row = read.tagged(value, '${name}');
  switch (row[0]) {
${arms.join('\n')}
    default:
      throw read.undeclared('${name}', row[0]);
  }
}
`;
}

function encoderOf({ name, type }: Field): string {
  const value = `args.${camel(name)}`;
  if (type === 'interface') return `interfaceName(${value})`;
  if (type === 'interface[]') return `${value}.map(interfaceName)`;
  if (type === 'handle') return `[${value}.client, ${value}.session, ${value}.secret]`;
  return type === 'flag' ? `${value} ? 1 : 0` : value;
}

function encoders(operations: readonly (readonly [string, LuaSource])[]): string {
  const lines = operations.map(([name, { args }]) => {
    const parameter = args.length ? 'args' : '_args';
    return `  ${name}: (${parameter}) => [${[`'${name}'`, ...args.map(encoderOf)].join(', ')}],`;
  });
  return `/** A call as the script reads it: the operation, then its arguments in the order of the header. */
export const encode: { readonly [Name in ArbiterOperation]: (args: ArbiterArgs[Name]) => unknown[] } = {
${lines.join('\n')}
};
`;
}

function decoders(operations: readonly (readonly [string, LuaSource])[]): string {
  const lines = operations.map(([name]) => `  ${name}: ${camel(`read_${name}_reply`)},`);
  return `/** A reply, checked against the header. Throws \`ScriptReplyError\` for anything undeclared. */
export const decode: { readonly [Name in ArbiterOperation]: (value: unknown) => ScriptReplies[Name] } = {
${lines.join('\n')}
};
`;
}
