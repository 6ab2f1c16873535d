import { readFileSync } from 'node:fs';
import { isMgmError, type Mgm } from '@mgm/client';
import { Command, CommanderError, Option } from 'commander';
import { interfaceText } from '@mgm/protocol';
import { duration } from './arguments.ts';
import type { Context, Runner } from './command.ts';
import { addAgents } from './commands/agents.ts';
import { addAudit } from './commands/audit.ts';
import { addBench } from './commands/bench.ts';
import { addCompletion } from './commands/completion.ts';
import { addContext } from './commands/context.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvict } from './commands/evict.ts';
import { addGroups } from './commands/groups.ts';
import { addHelp } from './commands/help.ts';
import { addHistory } from './commands/history.ts';
import { addHoldoff } from './commands/holdoff.ts';
import { addInterfaces } from './commands/interfaces.ts';
import { addLimit } from './commands/limit.ts';
import { addMembers } from './commands/members.ts';
import { addMfe } from './commands/mfe.ts';
import { addOwner } from './commands/owner.ts';
import { addPolicy } from './commands/policy.ts';
import { addRegister } from './commands/register.ts';
import { addRelease } from './commands/release.ts';
import { addRib } from './commands/rib.ts';
import { addRouters } from './commands/routers.ts';
import { addSessions } from './commands/sessions.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addStatic } from './commands/static.ts';
import { addTake } from './commands/take.ts';
import { addTop } from './commands/top.ts';
import { addValidate } from './commands/validate.ts';
import { addWatch } from './commands/watch.ts';
import { connectAs, targetOf, type GlobalOptions } from './connection.ts';
import { withContext } from './contexts.ts';
import { ExitCode, NotFoundError } from './exit-code.ts';
import { failureLine, failureObject, failureOf } from './failure.ts';
import type { Io } from './io.ts';
import { nextHopHint } from './next-hop-hint.ts';
import { Output, wantsColors } from './output/output.ts';

/** All commands, in the order of the help. */
const COMMANDS: readonly ((program: Command, runner: Runner) => void)[] = [
  addRouters,
  addInterfaces,
  addSessions,
  addOwner,
  addRib,
  addValidate,
  addGroups,
  addMembers,
  addMfe,
  addAgents,
  addWatch,
  addHistory,
  addTop,
  addAudit,
  addRelease,
  addEvict,
  addHoldoff,
  addStatic,
  addLimit,
  addTake,
  addRegister,
  addBench,
  addDoctor,
  addSnapshot,
  addPolicy,
  addContext,
  addCompletion,
  addHelp,
];

/** Runs the program with its arguments (without `node` and the file) and resolves with the exit code. Never rejects. */
export async function runMgmctl(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  let isConnected = false;
  let used: Partial<GlobalOptions> | undefined;
  const { signal } = io;
  const runner: Runner = {
    io,
    connected: async (command, action, defaultRouter) => {
      const given = command.optsWithGlobals<GlobalOptions>();
      const options = withContext(given, io.env);
      used = options;
      const router = defaultRouter === undefined ? options.router : (given.router ?? defaultRouter);
      exitCode = await withConnection({ ...options, ...(router && { router }) }, io, (context) => {
        isConnected = true;
        return action(context);
      });
    },
    offline: async (command, action) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      exitCode = await action({ options, out: outputFor(options, io), signal });
    },
  };
  const program = newProgram(runner);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help and version were printed already, as asked for.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    if (error instanceof CommanderError && error.code === 'commander.help') return ExitCode.usage;
    return reportError(error, argv, io, { options: used ?? program.opts(), isConnected });
  }
}

async function withConnection(
  options: GlobalOptions,
  io: Io,
  action: (context: Context) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { signal } = io;
  await using mgm = await connectAs(options, io, signal);
  try {
    const exitCode = await action({ mgm, options, out: outputFor(options, io), signal });
    return signal.aborted ? ExitCode.interrupted : exitCode;
  } catch (error) {
    throw await withNextHopHint(error, mgm, signal);
  }
}

/** An interface without an owner may be held via next hops that the command line did not name. */
async function withNextHopHint(error: unknown, mgm: Mgm, signal: AbortSignal): Promise<unknown> {
  if (!isMgmError(error, 'not-found') || error.interface === undefined) return error;
  const next = await nextHopHint(mgm, error.interface, signal);
  return new NotFoundError(`interface ${interfaceText(error.interface)} has no owner`, {
    next,
    cause: error,
  });
}

function outputFor(options: Pick<GlobalOptions, 'json' | 'color'>, io: Io): Output {
  return new Output(io, {
    json: options.json === true,
    colors: wantsColors(options.color, io),
    width: io.screen?.columns,
  });
}

/** What was known when an error happened. */
interface Circumstances {
  readonly options: Partial<GlobalOptions>;
  readonly isConnected: boolean;
}

/** Prints why the program fails, and returns the exit code. */
export function reportError(
  error: unknown,
  argv: readonly string[],
  io: Io,
  { options, isConnected }: Circumstances = { options: {}, isConnected: true },
): ExitCode {
  const failure = failureOf(error, targetOf(options, io, isConnected));
  if (io.signal.aborted && failure.exitCode === ExitCode.interrupted) return ExitCode.interrupted;
  // If the command line is wrong, its options may not have been read.
  const json = options.json === true || argv.includes('--json');
  const out = outputFor({ color: true, ...options, json }, io);
  out.failure(failureLine(failure), failureObject(failure));
  return failure.exitCode;
}

const EXAMPLES = `
Examples:
  mgmctl --router r1 interfaces            the interfaces held on router r1
  MGM_ROUTER=r1 mgmctl watch               every change, as it happens
  mgmctl --router r1 --json sessions       the same for programs, one object per line`;

const EXIT_CODES = `

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no answer, 4 not found, 5 output lost, 130 interrupted`;

/** The version of the package. */
function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(manifest)?.[1] ?? 'unknown';
}

const TIMEOUT_MS = 5_000;
const HELP_WIDTH = 100;

function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long to wait for a reply: 500ms, 5s, 2m')
    .argParser(duration(1, 3_600_000))
    .default(TIMEOUT_MS, '5s');
}

/** The command line as commander knows it. */
function newProgram(runner: Runner): Command {
  const { io } = runner;
  const program = new Command('mgmctl')
    .version(`mgmctl ${version()}`, '--version', 'print the version')
    .description('Shows who owns the interfaces of a router, and lets an operator intervene.')
    .option(
      '--nats <url>',
      'NATS servers, separated by commas (or MGM_NATS_URL; nats://127.0.0.1:4222)',
    )
    .option('--router <name>', 'the router to ask about (or MGM_ROUTER)')
    .option('--prefix <subject>', 'what all subjects begin with (mgm.v1)')
    .option('--creds <file>', 'log in with a .creds file (or MGM_NATS_CREDS)')
    .option('--nkey <file>', 'log in with the seed of an NKEY user (or MGM_NATS_NKEY_FILE)')
    .option('--tls-cert <file>', 'TLS client certificate in PEM, with --tls-key (or MGM_NATS_CERT)')
    .option('--tls-key <file>', 'the key of --tls-cert in PEM (or MGM_NATS_KEY)')
    .option('--tls-ca <file>', 'authorities in PEM instead of those of Node (or MGM_NATS_CA)')
    .option('--inbox-prefix <subject>', 'what the subjects of replies begin with (_INBOX)')
    .option('--context <name>', 'options kept under a name: see mgmctl context')
    .addOption(timeoutOption())
    .option('--json', 'one JSON object per line, errors too')
    .option('--no-color', 'no colours; also if NO_COLOR is set or the output is no terminal')
    .configureHelp({ showGlobalOptions: true, helpWidth: HELP_WIDTH })
    .configureOutput({
      writeOut: (text) => io.write(text),
      writeErr: (text) => io.writeError(text),
      // `reportError` prints all errors, with the next step.
      outputError: () => {},
    })
    .showSuggestionAfterError()
    .helpCommand(false)
    .exitOverride()
    .addHelpText('after', EXAMPLES + EXIT_CODES);
  for (const add of COMMANDS) add(program, runner);
  return program;
}
