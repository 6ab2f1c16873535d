import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from './steps.mjs';
import { ROOT } from './setup.mjs';
import { readManifest } from './workspaces.ts';

const PAGES = globSync(['*.md', 'docs/**/*.md', '{packages,services}/*/*.md', 'test/*.md'], {
  cwd: ROOT,
});
const SHORTHANDS = new Set(['start', 'test']);

/** The npm scripts that the `sh` blocks of a page call: of `npm test`, `npm start` and `npm run name`. */
function scriptsCalled(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');
  const calls = blocks.flatMap((block) => [...block.matchAll(/\bnpm (?:run )?([\w:-]+)/g)]);
  return calls
    .filter(([call, name = '']) => call.startsWith('npm run ') || SHORTHANDS.has(name))
    .map((match) => match[1] ?? '');
}

describe('the commands in our pages', () => {
  const scripts = Object.keys(readManifest('.').scripts ?? {});

  it('are found, in the README first of all', () => {
    expect(PAGES).toContain('README.md');
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    expect(scriptsCalled(readme)).toEqual(expect.arrayContaining(['start', 'test']));
  });

  it.each(PAGES)('exist as npm scripts: %s', (page) => {
    const called = scriptsCalled(readFileSync(join(ROOT, page), 'utf8'));
    expect(called.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  it('name steps of npm test that exist', () => {
    const pages = PAGES.map((page) => readFileSync(join(ROOT, page), 'utf8')).join('\n');
    const named = [...pages.matchAll(/--only ([\w,]+)/g)].flatMap((match) =>
      (match[1] ?? '').split(','),
    );
    const steps = [...CHECKS.map(({ name }) => name), 'unit', 'servers', 'accounts'];
    expect(named.filter((name) => !steps.includes(name))).toEqual([]);
  });

  it('are recognized only in blocks of shell commands', () => {
    const page =
      '```sh\nnpm run no-such-script\nnpm ci && npm test\n```\n\n`npm run not-in-a-block`\n';
    expect(scriptsCalled(page)).toEqual(['no-such-script', 'test']);
  });
});
