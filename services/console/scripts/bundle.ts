// Builds the pages of the console into dist/web, unless they are newer than their sources.
import { existsSync, globSync, renameSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUNDLE = `${ROOT}dist/web`;
const CONFIG = `${ROOT}vite.config.ts`;

function isCurrent(): boolean {
  const entry = `${BUNDLE}/index.html`;
  if (!existsSync(entry)) return false;
  const builtAt = statSync(entry).mtimeMs;
  const sources = [
    CONFIG,
    ...globSync('{web,src}/**/*.{ts,tsx,css,html,svg}', { cwd: ROOT }).map((file) => ROOT + file),
  ];
  return sources.every((file) => statSync(file).mtimeMs <= builtAt);
}

/** Into a folder of its own first: another process may build at the same time, or serve what is there. */
async function bundle(): Promise<void> {
  const started = performance.now();
  process.stderr.write('building the pages of the console\n');
  const outDir = `${BUNDLE}-${process.pid}`;
  try {
    await build({ configFile: CONFIG, build: { outDir } });
    rmSync(BUNDLE, { recursive: true, force: true });
    renameSync(outDir, BUNDLE);
  } catch (error) {
    rmSync(outDir, { recursive: true, force: true });
    // Another process was faster.
    if (!isCurrent()) throw error;
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stderr.write(`built the pages of the console in ${seconds} s\n`);
}

if (!isCurrent()) await bundle();
