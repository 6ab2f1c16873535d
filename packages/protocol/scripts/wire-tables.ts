// Writes the generated parts of docs/wire-protocol.md, from `<!-- generated: name -->` to `<!-- end -->`. `--check`
// writes nothing and fails if a part is outdated. Another page may be named as an argument.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { wireSections } from './wire-sections.ts';

const PAGE = fileURLToPath(new URL('../../../docs/wire-protocol.md', import.meta.url));
const PART = /<!-- generated: (.+?) -->\n([^]*?)<!-- end -->/g;

interface Filled {
  readonly text: string;
  /** Names of the parts that were outdated. */
  readonly outdated: readonly string[];
}

/** @throws Error for an unknown part, and where the page lacks a part */
function fill(page: string, sections: ReadonlyMap<string, string>): Filled {
  const missing = new Set(sections.keys());
  const outdated: string[] = [];
  const text = page.replace(PART, (_, name: string, present: string) => {
    const section = sections.get(name);
    if (section === undefined || !missing.delete(name))
      throw new Error(`part ${name}: unknown, or there twice`);
    const body = `\n${section}\n\n`;
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
const { text, outdated } = fill(readFileSync(path, 'utf8'), wireSections());
if (!values.check) {
  writeFileSync(path, text);
} else if (outdated.length > 0) {
  console.error(`${path} is outdated (${outdated.join(', ')}): run \`npm run generate\``);
  process.exitCode = 1;
}
