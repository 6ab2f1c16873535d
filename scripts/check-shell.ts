import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

const PLACES = [
  '*',
  '.ci/*',
  'scripts/*',
  'test/**/*',
  'deploy/**/*',
  '{packages,services}/*/*',
  '{packages,services}/*/scripts/*',
];

/** Shell scripts below the root, recognized by name or first line. */
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

/** The syntax errors that bash reports; empty if there are none. */
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
    errors.push('no shell script was found: correct the folders of this check');
  process.stdout.write(errors.join('\n'));
  process.exitCode = errors.length === 0 ? 0 : 1;
}
