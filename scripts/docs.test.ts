import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './setup.mjs';

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The targets of a page's relative links, from the root. */
function linksOf(page: string, markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => join(dirname(page), target));
}

describe('the index of docs', () => {
  it('links every page', () => {
    const linked = linksOf('docs/README.md', read('docs/README.md'));
    const pages = globSync('docs/*.*', { cwd: ROOT }).filter((page) => page !== 'docs/README.md');
    expect(pages.filter((page) => !linked.includes(page))).toEqual([]);
  });

  it('lists each decision with its title and status', () => {
    const index = read('docs/adr/README.md');
    const records = globSync('docs/adr/0*.md', { cwd: ROOT }).filter((path) => !/0000-/.test(path));
    const missing = records.filter((path) => {
      const record = read(path);
      const title = /^# (.*)$/m.exec(record)?.[1] ?? 'no title';
      const status = /^\| Status +\| (.*?) +\|$/m.exec(record)?.[1] ?? 'no status';
      const row = index.split('\n').find((line) => line.includes(path.replace('docs/adr/', '(')));
      return !(row?.includes(title) && row.includes(status));
    });
    expect(missing).toEqual([]);
    expect(records.length).toBeGreaterThan(0);
  });
});

describe('links between pages', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', '{packages,services}/*/*.md', 'test/*.md'], {
    cwd: ROOT,
  });

  it.each(pages)('have an existing target: %s', (page) => {
    const targets = linksOf(page, read(page));
    expect(targets.filter((target) => globSync(target, { cwd: ROOT }).length === 0)).toEqual([]);
  });

  it('are recognized', () => {
    expect(linksOf('docs/a.md', '[b](b.md#part) [c](../c) [x](https://x.org/y)')).toEqual([
      'docs/b.md',
      'c',
    ]);
  });
});

describe('paths in pages', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });
  const PATH = /`((?:packages|services|test|scripts|docs|deploy|examples)\/[\w./-]+)`/g;

  it.each(pages)('exist: %s', (page) => {
    const paths = [...read(page).matchAll(PATH)].map((match) => match[1] ?? '');
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

/** The part of a test that pages show. */
function exampleIn(test: string): string | undefined {
  return /\/\/ example \{\n(.*?)\n *\/\/ \}/s.exec(read(test))?.[1];
}

describe('the example of a test with @mgm/testing', () => {
  it('is the one that the suite runs, in at most 20 lines', () => {
    const tested = exampleIn('packages/testing/test/example.test.ts');
    const [, shown = ''] =
      /^```ts\n(import .*?)^```$/ms.exec(read('packages/testing/README.md')) ?? [];
    expect(tested).toContain('expireLease');
    expect(shown.endsWith(`\n\n${tested}\n`)).toBe(true);
    expect(shown.trim().split('\n').length).toBeLessThanOrEqual(20);
  });
});

describe('the options of the client', () => {
  const sources = globSync('packages/{client,nats}/src/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .map(read)
    .join('\n');
  const optionsOf = (name: string): string[] => {
    const body = new RegExp(`^export interface ${name} [^{]*{\n(.*?)^}`, 'ms').exec(sources)?.[1];
    return [...(body ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? '');
  };

  it.each([
    ...[
      'ConnectOptions',
      'CredentialFiles',
      'CallOptions',
      'ProtocolOptions',
      'Registrant',
      'AlertHandlers',
    ],
    ...['CallbackHandlers', 'PageOptions', 'InterfaceFilter', 'FollowOptions', 'WatchFilter'],
    ...['HeadsOptions', 'ReplicasOptions', 'RoutersOptions'],
  ])('are all in its README: %s', (name) => {
    const readme = read('packages/client/README.md');
    const options = optionsOf(name);
    expect(options.filter((option) => !readme.includes(`\`${option}\``))).toEqual([]);
    expect(options.length).toBeGreaterThan(0);
  });
});

describe('the example of a worker', () => {
  const tested = exampleIn('packages/client/test/example.test.ts')?.replace(/^ {4}/gm, '');

  it.each(['README.md', 'packages/client/README.md'])(
    'in %s is the one that a test runs',
    (page) => {
      expect(tested).toContain('takeInterfaceOwnership');
      expect(read(page)).toContain(`\`\`\`ts\n${tested}\n\`\`\``);
    },
  );
});
