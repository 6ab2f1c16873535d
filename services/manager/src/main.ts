import { constants } from 'node:os';
import type { Logger } from 'pino';
import { ConfigError } from './config-error.ts';
import { loadConfig, type Config } from './config.ts';
import { within } from './limits.ts';
import { createLogger } from './logger.ts';
import { startManager } from './manager.ts';

const BAD_CONFIG = 2;
/** What a reader of our output has to take the last lines. */
const LAST_WORDS_MS = 300;

/**
 * The manager as a process. Exit codes: 0 after SIGTERM or SIGINT, 1 when it could not go on, 2 for a wrong
 * configuration; a second signal ends it at once, as the signal itself would.
 */
async function main(): Promise<void> {
  const config = configOrExit();
  const { log, close } = createLogger(config.logLevel);
  const exit = async (code: number): Promise<never> => {
    await within(LAST_WORDS_MS, close(), 'nobody reads').catch(() => {});
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
    die(error);
  }
}

/** Aborted by the first signal that asks to end; the second one ends the process. */
function firstSignal(): AbortSignal {
  const asked = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(128 + constants.signals[signal]);
      asked.abort();
    });
  }
  return asked.signal;
}

/** Serves until the signal, then stops in good order. Rejects when it cannot go on. */
async function serve(config: Config, log: Logger, signal: AbortSignal): Promise<void> {
  const asked = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => asked.resolve(undefined));
  try {
    await using manager = await startManager(config, { log, signal });
    const failure = await Promise.race([asked.promise, manager.ended]);
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(BAD_CONFIG);
  }
}

await main();
