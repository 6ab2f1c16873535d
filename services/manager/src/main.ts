import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { constants } from 'node:os';
import type { Logger } from 'pino';
import { unsupportedNode } from '@mgm/protocol';
import { within } from './abort.ts';
import { readCommandLine } from './command-line.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig, type Config } from './config/config.ts';
import { createLogger } from './log.ts';
import { startManager } from './manager.ts';
import { loadTracing } from './tracing.ts';

const BAD_CONFIG = 2;
/** How long a reader of our output may take to read the last lines. */
const LAST_LINES_MS = 300;

/**
 * The manager as a process. Exit codes: 0 after SIGTERM or SIGINT, 1 when it failed, 2 for a wrong configuration,
 * argument or Node. A second
 * signal ends it immediately, with the code of that signal.
 */
async function main(): Promise<void> {
  const unsupported = unsupportedNode();
  if (unsupported !== undefined) exitWith(`mgm-manager ${unsupported}`);
  const asked = await readCommandLine(process.argv.slice(2), process.env);
  if (asked.kind === 'refused') exitWith(asked.text.trimEnd());
  if (asked.kind === 'print') return void process.stdout.write(asked.text);
  const config = configOrExit();
  const { log, close } = createLogger(config.logLevel);
  const exit = async (code: number): Promise<never> => {
    await within(LAST_LINES_MS, close()).catch(() => {});
    process.exit(code);
  };
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'cannot go on');
    void exit(1);
  };
  process.on('unhandledRejection', die);
  process.on('uncaughtException', die);
  try {
    await serve(config, log, firstSignal());
    await exit(0);
  } catch (error) {
    if (error instanceof ConfigError) badConfig(error);
    die(error);
  }
}

/** Aborted by the first SIGTERM or SIGINT; the second ends the process. */
function firstSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
      stop.abort();
    });
  }
  return stop.signal;
}

/** Serves until the signal is aborted, then stops the manager. Rejects when the manager failed. */
async function serve(config: Config, log: Logger, signal: AbortSignal): Promise<void> {
  const aborted = once(signal, 'abort').then(() => undefined);
  try {
    const tracing = await loadTracing();
    if (tracing) log.info('requests with a traceparent are traced');
    await using manager = await startManager(config, { log, signal, tracing });
    // Node writes NODE_COMPILE_CACHE when a program ends, and not if it is killed, as the managers of tests are.
    flushCompileCache();
    const failure = await Promise.race([aborted, manager.ended]);
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) badConfig(error);
    throw error;
  }
}

function badConfig(error: ConfigError): never {
  exitWith(error.message);
}

/** Nothing was started. */
function exitWith(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(BAD_CONFIG);
}

await main();
