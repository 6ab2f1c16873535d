import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

const PLACES = [
  '*',
  '.ci/*',
  'scripts/*',
  'test/**/*',
  '{packages,services}/*/*',
  '{packages,services}/*/scripts/*',
];

/** Files that a shell runs, from the root: by name or by their first line. */
export function shellScripts(root: string): string[] {
  const files = globSync(PLACES, { cwd: root, withFileTypes: true, exclude: ['**/node_modules'] })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files
    .filter((file) => file.endsWith('.sh') || /^#!.*\b(ba)?sh\b/.test(firstLine(file)))
    .toSorted();
}

function firstLine(file: string): string {
  return readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
}

/** What bash says about the syntax of a file; empty when it is right. */
export function syntaxErrors(file: string): string {
  const { status, stderr, error } = spawnSync('bash', ['-n', file], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (error !== undefined) return `${file}: ${error.message}`;
  return status === 0 ? '' : stderr;
}

if (import.meta.main) {
  const found = shellScripts(ROOT);
  const errors = found.map(syntaxErrors).filter((text) => text !== '');
  if (found.length === 0)
    errors.push('no shell script was found: this check looks in the wrong places');
  process.stdout.write(errors.join('\n'));
  process.exitCode = errors.length === 0 ? 0 : 1;
}
