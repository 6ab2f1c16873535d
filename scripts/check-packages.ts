import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';
import { builtWorkspaces, type Workspace } from './workspaces.ts';

const IMPORT_WITHIN_MS = 20_000;

/** What is wrong with a built package for those who would install it, one line each. */
async function problemsOf(workspace: Workspace): Promise<string[]> {
  return [...(await entryProblems(workspace)), ...(await importProblems(workspace))];
}

async function entryProblems({ folder }: Workspace): Promise<string[]> {
  const { messages, pkg } = await publint({
    pkgDir: join(ROOT, folder),
    level: 'suggestion',
    strict: true,
  });
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
}

/** Imports the package as a consumer does: built, with no condition, and nothing may happen on import. */
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

for (const workspace of builtWorkspaces()) {
  for (const problem of await problemsOf(workspace)) {
    process.stdout.write(`${workspace.manifest.name}: ${problem}\n`);
    process.exitCode = 1;
  }
}
