// Usage: generated-section.ts PAGE GENERATOR [PAGE GENERATOR …] [--check]
// Writes the output of GENERATOR between its markers in PAGE. `--check` writes nothing and fails if a page would change.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';

const GENERATE_WITHIN_MS = 30_000;

/** The page with `content` between the markers of `generator`. Throws if they are missing. */
export function withSection(page: string, generator: string, content: string): string {
  const begin = `<!-- begin ${generator} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf('<!-- end -->', from);
  if (from < 0 || to < 0) throw new Error(`no line ${begin} with <!-- end --> after it`);
  return `${page.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${page.slice(to)}`;
}

async function contentOf(generator: string): Promise<string> {
  const { code, output } = await run(NODE, ['--conditions=@mgm/source', join(ROOT, generator)], {
    cwd: ROOT,
    env: environment(),
    output: 'collect',
    withinMs: GENERATE_WITHIN_MS,
  });
  if (code !== 0) throw new Error(`${generator} ended with ${code}:\n${output}`);
  return output;
}

/** Updates the page, or with `check` reports that it is outdated. */
async function generate(page: string, generator: string, check: boolean): Promise<void> {
  const path = join(ROOT, page);
  const before = readFileSync(path, 'utf8');
  const after = withSection(before, generator, await contentOf(generator));
  if (!check) writeFileSync(path, after);
  else if (after !== before) {
    process.stderr.write(`${page} is not what ${generator} prints\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const pairs = process.argv.slice(2).filter((argument) => argument !== '--check');
  for (let at = 0; at < pairs.length; at += 2) {
    await generate(pairs[at] ?? '', pairs[at + 1] ?? '', check);
  }
}
