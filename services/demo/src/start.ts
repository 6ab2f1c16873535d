import { once } from 'node:events';
import { DevstackError, serversFromEnvironment } from '@mgm/devstack';
import { HELP, readCommandLine, type StartOptions } from './options.ts';
import { reportStyle, Reporter } from './view/reporter.ts';
import { Run } from './run.ts';
import { listenForStop } from './processes/stop-signals.ts';

/** Exit codes: 0 after a requested stop, 1 if it could not start, 2 for wrong flags or settings. */
const FAILED = 1;
const WRONG_USE = 2;
/** Killed by a second Ctrl-C; as a shell reports SIGINT. */
const KILLED = 130;
/** The time to kill containers. */
const KILL_WITHIN_MS = 3_000;

async function main(): Promise<number> {
  const asked = readCommandLine(process.argv.slice(2), process.env);
  switch (asked.kind) {
    case 'help':
      process.stdout.write(`${HELP}\n`);
      return 0;
    case 'refused':
      process.stderr.write(`${asked.why}\n`);
      return WRONG_USE;
    case 'run':
      return await serve(asked.options);
  }
}

async function serve(options: StartOptions): Promise<number> {
  const isTerminal = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  const reporter = new Reporter(reportStyle({ ...options, isTerminal }));
  const stopping = listenForStop(() => void killAndExit(run));
  const { signal } = stopping;
  // The reader of the output closed it, so Ctrl-C may never come.
  process.stdout.on('error', () => stopping.stop());
  process.stderr.on('error', () => stopping.stop());
  const run = new Run({ options, servers: serversFromEnvironment(process.env), reporter, signal });
  try {
    await run.start();
    if (!signal.aborted) await once(signal, 'abort');
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    reporter.close();
    reporter.say(error instanceof Error ? error.message : String(error));
    await run.keepLogs();
    return exitCodeOf(error);
  } finally {
    if (signal.aborted) reporter.say('stopping; Ctrl-C again ends everything immediately');
    await run.stop();
  }
}

async function killAndExit(run: Run): Promise<void> {
  setTimeout(() => process.exit(KILLED), KILL_WITHIN_MS);
  await run.kill().catch(() => {});
  process.exit(KILLED);
}

function exitCodeOf(error: unknown): number {
  return error instanceof DevstackError && error.code === 'bad-setting' ? WRONG_USE : FAILED;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof Error ? exitCodeOf(error) : FAILED;
}
