import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { unsupportedNode } from '@mgm/protocol';
import { readCommandLine } from './command-line.ts';
import { ConfigError, loadConfig, type Config } from './config/config.ts';
import { startConsole } from './server.ts';

const BAD_CONFIG = 2;

/** The console as a process. A second signal ends it immediately. */
async function main(): Promise<void> {
  const unsupported = unsupportedNode();
  if (unsupported !== undefined) exitWith(`mgm-console ${unsupported}`);
  const asked = readCommandLine(process.argv.slice(2));
  if (asked.kind === 'refused') exitWith(asked.text);
  if (asked.kind === 'print') return void process.stdout.write(asked.text);
  const config = configOrExit();
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await using console = await startConsole(config, await bundle());
  process.stdout.write(`ready console=${console.url}\n`);
  await stopped;
}

/** The folder of the pages. A checkout builds them when they are missing or older than their sources. */
async function bundle(): Promise<string> {
  const builder = new URL('../scripts/bundle.ts', import.meta.url);
  if (import.meta.url.endsWith('.ts') && existsSync(builder)) await import(builder.href);
  return fileURLToPath(new URL('../dist/web', import.meta.url));
}

function configOrExit(): Config {
  try {
    return loadConfig(process.env, `${userName()}@${hostname()}`);
  } catch (error) {
    if (error instanceof ConfigError) exitWith(error.message);
    throw error;
  }
}

/** A user that runs in a container need not have a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** Nothing was started. */
function exitWith(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(BAD_CONFIG);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`mgm-console: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
