import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './setup.mjs';
import { readManifest, workspaces } from './workspaces.ts';

/** Packages that are not ours, of every package.json. */
function usedPackages(): string[] {
  const manifests = [readManifest('.'), ...workspaces().map(({ manifest }) => manifest)];
  const names = manifests.flatMap((manifest) => [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.devDependencies ?? {}),
  ]);
  return [...new Set(names)].filter((name) => !name.startsWith('@mgm/')).toSorted();
}

/** The first cell of each row of a table: `name` in backquotes. */
function listedPackages(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1] ?? '').toSorted();
}

describe('docs/dependencies.md', () => {
  const markdown = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');

  it('lists every package that is used, once, and no other', () => {
    expect(listedPackages(markdown)).toEqual(usedPackages());
  });

  it('says of each when it was released and how large it is', () => {
    const rows = markdown.split('\n').filter((line) => line.startsWith('| `'));
    for (const row of rows) expect(row).toMatch(/\| 20\d\d-\d\d +\| [\d.]+ MB +\|$/);
  });

  it('would notice a package that is not listed', () => {
    expect(listedPackages('| `zod` | all | why |\n| zod | x |')).toEqual(['zod']);
  });
});
