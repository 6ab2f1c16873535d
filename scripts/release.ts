// Usage: npm run release [-- --dry-run]. See docs/releasing.md.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './child.mjs';
import { linkModules } from '@mgm/test-support';
import { environment, ROOT } from './setup.mjs';
import { type Manifest, workspaces } from './workspaces.ts';

const COMMAND_WITHIN_MS = 10 * 60_000;
/** Stands for an address that the project does not have yet. */
const PLACEHOLDER = 'git.example.org';

/** A clone of the last commit, in which a release is made; only a complete one gets back into this folder. */
class Release implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async ofLastCommit(): Promise<Release> {
    const release = new Release(await mkdtemp(join(tmpdir(), 'mgm-release-')));
    await release.run('git', 'clone', '--quiet', '--no-hardlinks', ROOT, '.');
    for (const setting of ['user.name', 'user.email'])
      await release.run('git', 'config', setting, (await inRoot('git', 'config', setting)).trim());
    await linkModules(ROOT, release.folder);
    return release;
  }

  /** Runs a program in the clone. Resolves to its output; rejects with it if the exit code is not 0. */
  run(command: string, ...args: readonly string[]): Promise<string> {
    return runIn(this.folder, command, args);
  }

  /** Turns the notes on changes into versions and changelogs. Resolves to the new version. */
  async bump(): Promise<string> {
    await this.run(bin('changeset'), 'version');
    const file = join(this.folder, 'packages/protocol/src/version.ts');
    const manifest = await readFile(join(this.folder, 'packages/protocol/package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    const source = await readFile(file, 'utf8');
    await writeFile(file, source.replace(/VERSION = '.*'/, `VERSION = '${version}'`));
    await this.run('npm', 'install', '--package-lock-only', '--ignore-scripts', '--prefer-offline');
    await this.run(
      bin('prettier'),
      '--write',
      '--log-level=warn',
      '{packages,services}/*/*.{md,json}',
    );
    return version;
  }

  /** Builds and packs what is published. Resolves to the paths of the tarballs. */
  async pack(): Promise<string[]> {
    await this.run(bin('tsc'), '--build', 'tsconfig.build.json');
    const published = workspaces().filter(({ manifest }) => manifest.private !== true);
    const into = await mkdtemp(join(this.folder, '.packed-'));
    const of = published.map(({ folder }) => `--workspace=${folder}`);
    await this.run('npm', 'pack', '--silent', `--pack-destination=${into}`, ...of);
    const files = await readdir(into);
    if (files.length !== published.length) throw new Error(`packed only ${files.join(', ')}`);
    return files.toSorted().map((file) => join(into, file));
  }

  /** Commits and tags in the clone. */
  async commit(version: string): Promise<void> {
    await this.run('git', 'commit', '--quiet', '--all', '--message', `chore: release ${version}`);
    await this.run('git', 'tag', '--annotate', `v${version}`, '--message', `Version ${version}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function bin(name: string): string {
  return join(ROOT, 'node_modules/.bin', name);
}

function inRoot(command: string, ...args: readonly string[]): Promise<string> {
  return runIn(ROOT, command, args);
}

async function runIn(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { code, output } = await run(command, [...args], {
    cwd,
    env: environment(),
    output: 'collect',
    withinMs: COMMAND_WITHIN_MS,
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

async function refuseUnfit(): Promise<void> {
  const changed = await inRoot('git', 'status', '--porcelain');
  if (changed !== '') throw new Error(`commit or remove these first:\n${changed}`);
  const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest & {
    repository: { url: string };
  };
  if (root.repository.url.includes(PLACEHOLDER)) {
    throw new Error(
      'set the address of the repository in every package.json first (docs/releasing.md)',
    );
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function release(isDryRun: boolean): Promise<void> {
  if (!isDryRun) await refuseUnfit();
  await using work = await Release.ofLastCommit();
  const version = await work.bump();
  say(`version ${version}`);
  const tarballs = await work.pack();
  await work.run('git', 'add', '--all', ':!.packed-*');
  await work.commit(version);
  for (const tarball of tarballs) {
    const args = ['publish', tarball, ...(isDryRun ? ['--dry-run', '--provenance=false'] : [])];
    await work.run('npm', ...args, '--loglevel=error');
    say(`${isDryRun ? 'would upload' : 'uploaded'} ${tarball.replace(/.*\//, '')}`);
  }
  if (isDryRun) {
    say(
      `all but the upload was done; the commit would be\n${await work.run('git', 'show', '--stat', '--oneline', 'HEAD')}`,
    );
  } else {
    await inRoot('git', 'pull', '--ff-only', '--tags', work.folder, 'HEAD');
    say(`committed and tagged v${version}: push both with git push --follow-tags`);
  }
}

const argv = process.argv.slice(2);
if (argv.some((argument) => argument !== '--dry-run')) {
  process.stderr.write('usage: npm run release [-- --dry-run]\n');
  process.exitCode = 2;
} else {
  try {
    await release(argv.includes('--dry-run'));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
