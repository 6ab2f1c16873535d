import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../child.mjs';
import { environment, ROOT } from '../setup.mjs';
import { workspaces } from '../workspaces.ts';

const COMMAND_WITHIN_MS = 120_000;

/** A folder outside of the repository, as a user of the packages has one. Disposing removes it. */
export class EmptyFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<EmptyFolder> {
    return new EmptyFolder(await mkdtemp(join(tmpdir(), 'mgm-consumer-')));
  }

  /** Writes files, given by name. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.path, name), text);
  }

  /** Runs a command here. Resolves to its output; rejects with it if the exit code is not 0. */
  async run(command: string, args: readonly string[], env = environment()): Promise<string> {
    const { code, output } = await this.tryToRun(command, args, env);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
    return output.trim();
  }

  /** The same for a command that may fail. */
  async tryToRun(command: string, args: readonly string[], env = environment()) {
    const withinMs = COMMAND_WITHIN_MS;
    return await run(command, [...args], { cwd: this.path, env, output: 'collect', withinMs });
  }

  /** Installs packages by one command. */
  async install(...packages: readonly string[]): Promise<void> {
    await this.run('npm', ['install', ...QUIET, ...packages]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** Builds and packs all published packages into a folder. Resolves to the tarballs by package: `client`. */
export async function packAll(into: EmptyFolder): Promise<Readonly<Record<string, string>>> {
  const published = workspaces().filter(({ manifest }) => manifest.private !== true);
  const at = {
    cwd: ROOT,
    env: environment(),
    output: 'collect',
    withinMs: COMMAND_WITHIN_MS,
  } as const;
  const built = await run(
    join(ROOT, 'node_modules/.bin/tsc'),
    ['--build', 'tsconfig.build.json'],
    at,
  );
  if (built.code !== 0) throw new Error(built.output);
  const of = published.map(({ folder }) => `--workspace=${folder}`);
  const packed = await run(
    'npm',
    ['pack', '--silent', `--pack-destination=${into.path}`, ...of],
    at,
  );
  if (packed.code !== 0) throw new Error(packed.output);
  const files = (await readdir(into.path)).filter((file) => file.endsWith('.tgz'));
  return Object.fromEntries(
    files.map((file) => [/^mgm-(\w+)-/.exec(file)?.[1] ?? file, join(into.path, file)]),
  );
}

/** The tarballs of these packages. */
export function tarballsOf(
  tarballs: Readonly<Record<string, string>>,
  ...names: readonly string[]
): string[] {
  return names.map((name) => {
    const tarball = tarballs[name];
    if (tarball === undefined) throw new Error(`${name} was not packed`);
    return tarball;
  });
}
