import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';
import { builtWorkspaces, type Workspace } from './workspaces.ts';

const IMPORT_WITHIN_MS = 20_000;
/** Below the root, so that dependencies of a package are found. */
const INSTALLED = join(ROOT, '.cache/installed');

/** The problems of a built package for its consumers, one line each. */
async function problemsOf(workspace: Workspace): Promise<string[]> {
  return [
    ...(await entryProblems(workspace)),
    ...(await importProblems(workspace)),
    ...(await programProblems(workspace)),
  ];
}

async function entryProblems({ folder }: Workspace): Promise<string[]> {
  const { messages, pkg } = await publint({
    pkgDir: join(ROOT, folder),
    level: 'suggestion',
    strict: true,
  });
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
}

/** Imports the built package without conditions, as a consumer does. The import must have no output. */
async function importProblems({ manifest: { name } }: Workspace): Promise<string[]> {
  const code = `const names = Object.keys(await import(${JSON.stringify(name)})); if (names.length === 0) throw new Error('it exports nothing')`;
  const { code: status, output } = await run(NODE, ['--input-type=module', '--eval', code], {
    cwd: join(ROOT, 'test'),
    env: environment(),
    output: 'collect',
    withinMs: IMPORT_WITHIN_MS,
  });
  if (status !== 0) return [`import failed: ${/^.*Error.*$/m.exec(output)?.[0] ?? output}`];
  return output === '' ? [] : [`printed on import: ${output.trim()}`];
}

/** Runs its programs with `--help` in a folder that has only the published files. */
async function programProblems({ folder, manifest: { bin = {} } }: Workspace): Promise<string[]> {
  if (Object.keys(bin).length === 0) return [];
  rmSync(INSTALLED, { recursive: true, force: true });
  for (const file of await publishedFiles(folder)) {
    const to = join(INSTALLED, file);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(ROOT, folder, file), to);
  }
  const problems: string[] = [];
  for (const [name, file] of Object.entries(bin)) {
    const { code, output } = await collected(NODE, [join(INSTALLED, file), '--help']);
    if (code !== 0 || !output.includes(name)) problems.push(`${name} --help: ${output.trim()}`);
  }
  return problems;
}

async function publishedFiles(folder: string): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--silent', `--workspace=${folder}`];
  const { output } = await collected('npm', args);
  const [packed] = JSON.parse(output.slice(output.indexOf('['))) as [
    { readonly files: readonly { readonly path: string }[] },
  ];
  return packed.files.map(({ path }) => path);
}

function collected(command: string, args: readonly string[]) {
  return run(command, args, {
    cwd: ROOT,
    env: environment(),
    output: 'collect',
    withinMs: IMPORT_WITHIN_MS,
  });
}

for (const workspace of builtWorkspaces()) {
  for (const problem of await problemsOf(workspace)) {
    process.stdout.write(`${workspace.manifest.name}: ${problem}\n`);
    process.exitCode = 1;
  }
}
