import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** Programs of Debian and others, by preference. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'chrome',
];
const HOW =
  'no Chromium on PATH: apt-get install chromium-headless-shell (or brew install chromium)';

/** The path of a browser. Without one CI fails; elsewhere it is undefined, and `reason` names how to get one. */
export function findBrowser(): { readonly path: string | undefined; readonly reason: string } {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const path = paths.find(isProgram);
  if (path === undefined && process.env['CI'] === 'true') throw new Error(HOW);
  return { path, reason: HOW };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function startBrowser(executablePath: string): Promise<Browser> {
  // Tests may run as root in a container, where the sandbox of Chromium does not start.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}
