import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { ROOT } from './setup.mjs';
import { workspaces } from './workspaces.ts';

const published = workspaces().filter(({ manifest }) => manifest.private !== true);

function read(...path: string[]): string {
  return readFileSync(join(ROOT, ...path), 'utf8');
}

describe('the manifest of a published package', () => {
  it.each(published)('says where it comes from and how it is published: $folder', ({ folder }) => {
    const manifest: unknown = JSON.parse(read(folder, 'package.json'));
    const { repository } = JSON.parse(read('package.json')) as { repository: { url: string } };
    const home = repository.url.replace(/^git\+|\.git$/g, '');
    expect(manifest).toMatchObject({
      version: VERSION,
      license: 'Apache-2.0',
      homepage: `${home}#readme`,
      bugs: { url: `${home}/issues` },
      repository: { ...repository, directory: folder },
      keywords: expect.arrayContaining([expect.any(String)]),
      engines: { node: '>=22.18' },
      publishConfig: { access: 'public', provenance: true },
      exports: { './package.json': './package.json' },
    });
  });

  it.each(published)('has the licence of the project: $folder', ({ folder }) => {
    expect(read(folder, 'LICENSE')).toBe(read('LICENSE'));
  });

  it.each(published)('has a README without links out of the package: $folder', ({ folder }) => {
    expect(read(folder, 'README.md')).not.toMatch(/\]\(\.\.\//);
  });

  it('has the same version in all packages, which are released together', () => {
    const manifests = globSync('{packages,services}/*/package.json', { cwd: ROOT });
    const versions = manifests.map(
      (path) => (JSON.parse(read(path)) as { version: string }).version,
    );
    expect(new Set(versions)).toEqual(new Set([VERSION]));
    expect(published.length).toBeGreaterThan(5);
  });
});
