import { run } from './child.mjs';
import { environment, ROOT } from './setup.mjs';
import { type Workspace, workspaces } from './workspaces.ts';

const GENERATE_WITHIN_MS = 60_000;

/** Packages that have generated files. */
function generating(): Workspace[] {
  return workspaces().filter(({ manifest }) => manifest.scripts?.['generate'] !== undefined);
}

/** Runs a package's generator with `--check`, which names the outdated files. */
async function isUpToDate({ manifest }: Workspace): Promise<boolean> {
  const { code, output } = await run(
    'npm',
    ['run', 'generate', '--silent', `--workspace=${manifest.name}`, '--', '--check'],
    { cwd: ROOT, env: environment(), output: 'collect', withinMs: GENERATE_WITHIN_MS },
  );
  if (code !== 0) process.stdout.write(`${manifest.name}: run \`npm run generate\`\n${output}\n`);
  return code === 0;
}

for (const workspace of generating()) {
  if (!(await isUpToDate(workspace))) process.exitCode = 1;
}
