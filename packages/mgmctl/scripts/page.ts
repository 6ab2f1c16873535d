// Fills the generated parts of docs/mgmctl.md, between `<!-- generated: name -->` and `<!-- end -->`. `help x` is the output
// of `mgmctl x --help`, any other name an example that a test recorded in test/examples. `--check` writes nothing and fails
// if a part is outdated. An argument names another page.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ExitCode, runMgmctl } from '../src/mod.ts';

const PAGE = fileURLToPath(new URL('../../../docs/mgmctl.md', import.meta.url));
const EXAMPLES = new URL('../test/examples/', import.meta.url);
const PART = /<!-- generated: (.+?) -->\n([^]*?)<!-- end -->/g;

/** The help of the program, or of one command. */
async function help(...command: readonly string[]): Promise<string> {
  let text = '';
  const code = await runMgmctl([...command, '--help'], {
    write: (part) => (text += part),
    writeError: (part) => (text += part),
    screen: undefined,
    ask: () => Promise.resolve(undefined),
    canAsk: false,
    env: {},
    user: 'user@host',
    pid: 1,
    signal: new AbortController().signal,
  });
  if (code !== ExitCode.ok) throw new Error(`help of ${command.join(' ')}: ${text}`);
  return text;
}

/** The names of the commands, as the help of all lists them. */
function commandsIn(text: string): string[] {
  const [, list = ''] = /\nCommands:\n([^]*?)\n\n/.exec(text) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? '');
  return names.filter((name) => name !== 'help');
}

/** Every generated part, by the name in its marker. */
async function sections(): Promise<ReadonlyMap<string, string>> {
  const all = await help();
  const found = new Map([['help', all]]);
  for (const name of commandsIn(all)) found.set(`help ${name}`, await help(name));
  for (const file of readdirSync(EXAMPLES)) {
    found.set(file.replace(/\.txt$/, ''), readFileSync(new URL(file, EXAMPLES), 'utf8'));
  }
  return found;
}

interface Filled {
  readonly text: string;
  /** Names of the outdated parts. */
  readonly outdated: readonly string[];
}

/** @throws Error for an unknown part on the page, and for a missing one */
function fill(page: string, parts: ReadonlyMap<string, string>): Filled {
  const missing = new Set(parts.keys());
  const outdated: string[] = [];
  const text = page.replace(PART, (_, name: string, present: string) => {
    const part = parts.get(name);
    if (part === undefined || !missing.delete(name))
      throw new Error(`part ${name}: unknown or duplicate`);
    const body = `\n\`\`\`console\n${part.trim()}\n\`\`\`\n\n`;
    if (present !== body) outdated.push(name);
    return `<!-- generated: ${name} -->\n${body}<!-- end -->`;
  });
  if (missing.size > 0) throw new Error(`parts missing from the page: ${[...missing].join(', ')}`);
  return { text, outdated };
}

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const path = positionals[0] ?? PAGE;
const { text, outdated } = fill(readFileSync(path, 'utf8'), await sections());
if (!values.check) {
  writeFileSync(path, text);
} else if (outdated.length > 0) {
  process.stderr.write(`${path} is outdated (${outdated.join(', ')}): run \`npm run generate\`\n`);
  process.exitCode = 1;
}
