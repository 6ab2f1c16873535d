// Compiles lua/ into src/generated/arbiter.ts and the key table into docs/redis-keys.md.
// `--check` writes nothing and fails if a file is out of date.
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KEY_FAMILIES } from '../src/keys.ts';
import { checkTags } from './check-tags.ts';
import { composeLibrary, type ArbiterSources } from './compose-library.ts';
import { emitTypeScript } from './emit-typescript.ts';
import { LuaSourceError, readLuaSource, type LuaSource } from './lua-source.ts';

const here = import.meta.dirname;
const luaRoot = join(here, '../lua');

function readSources(root: string): ArbiterSources {
  const entry = readLuaSource(root, 'arbiter.lua');
  const operations = new Map(
    readdirSync(join(root, 'operations'))
      .filter((file) => file.endsWith('.lua'))
      .sort()
      .map((file) => [file.slice(0, -4), readOperation(root, file.slice(0, -4))]),
  );
  const libraries = inOrder(root, [entry, ...operations.values()]);
  for (const operation of operations.values()) checkTags(operation, libraries);
  return { entry, operations, libraries };
}

/** Reads an operation's file; its function must take the header's arguments, in that order. */
function readOperation(root: string, name: string): LuaSource {
  const source = readLuaSource(root, `operations/${name}.lua`);
  const head = `function operations.${name}(${source.args.map((arg) => arg.name).join(', ')})`;
  if (source.code.includes(head)) return source;
  throw new LuaSourceError(source.path, 1, `does not define \`${head}\`, as its header says`);
}

/** Every included file once, after the files that it includes. */
function inOrder(root: string, sources: readonly LuaSource[]): LuaSource[] {
  const done = new Map<string, LuaSource>();
  const visit = (path: string, stack: readonly string[]): void => {
    if (stack.includes(path)) {
      throw new LuaSourceError(path, 1, `includes itself: ${[...stack, path].join(' > ')}`);
    }
    if (done.has(path)) return;
    const source = readLuaSource(root, path);
    for (const next of source.includes) visit(next, [...stack, path]);
    done.set(path, source);
  };
  for (const source of sources) for (const path of source.includes) visit(path, [source.path]);
  return [...done.values()];
}

function keyTable(): string {
  const rows = KEY_FAMILIES.map(
    ({ suffix, part, type, what }) =>
      `| \`mgm:{router}:${suffix}${part ? `<${part.name}>` : ''}\` | ${type} | ${what} |`,
  );
  return [
    '# What Redis holds',
    '',
    '<!-- Generated from packages/store/src/keys.ts by `npm run generate`. Do not edit. -->',
    '',
    'All keys of a router carry its name as hash tag, so they share one slot of a Redis Cluster and every script is one atomic',
    'step over all of them. Three more keys: the set `mgm:routers` lists the routers in use, the sorted set `mgm:idle-routers` those without sessions that still have data, and `mgm:store-id` is a random text that',
    'identifies this store, so that managers with different stores under one subject prefix notice it. `mgm` is `MGM_KEY_PREFIX`.',
    '',
    '| key | type | what |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const sources = readSources(luaRoot);
const outputs = new Map([
  [join(here, '../src/generated/arbiter.ts'), emitTypeScript(composeLibrary(sources), sources)],
  [join(here, '../../../docs/redis-keys.md'), keyTable()],
]);

const isCheck = process.argv.includes('--check');
let outdated = 0;
for (const [path, text] of outputs) {
  if (!isCheck) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is out of date: run \`npm run generate\``);
    outdated++;
  }
}
process.exitCode = outdated ? 1 : 0;
