import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './setup.mjs';
import { readManifest, workspaces } from './workspaces.ts';

/** The external packages of every package.json. */
function usedPackages(): string[] {
  const all = workspaces().map(({ manifest }) => manifest);
  const manifests = [readManifest('.'), readManifest('tools'), ...all];
  const names = manifests.flatMap((manifest) => [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.devDependencies ?? {}),
  ]);
  return [...new Set(names)].filter((name) => !name.startsWith('@mgm/')).toSorted();
}

/** The first cell of each table row: a `name` in backquotes. */
function listedPackages(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1] ?? '').toSorted();
}

describe('docs/dependencies.md', () => {
  const markdown = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');

  it('lists exactly the packages that are used', () => {
    expect(listedPackages(markdown)).toEqual(usedPackages());
  });

  it('has the release date and the size of each', () => {
    const rows = markdown.split('\n').filter((line) => line.startsWith('| `'));
    for (const row of rows) expect(row).toMatch(/\| 20\d\d-\d\d +\| [\d.]+ MB +\|$/);
  });

  it('is compared by package name', () => {
    expect(listedPackages('| `zod` | all | why |\n| zod | x |')).toEqual(['zod']);
  });
});
