import { Command, CommanderError, Option } from 'commander';
import { addAdminCommands } from './admin-commands.ts';
import { duration } from './arguments.ts';
import type { Given } from './command.ts';
import { addCompletion } from './completion.ts';
import { addDoctor } from './doctor-command.ts';
import { ExitCode } from './exit-code.ts';
import { failureLine, failureObject, failureOf } from './failure.ts';
import { connectAs, placeOf, type GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';
import { Output, wantsColors } from './output.ts';
import { addReadingCommands } from './reading-commands.ts';
import { addTryingCommands } from './trying-commands.ts';

/** Runs an action with a connection, and closes that after it. `ownRouter` stands in where no `--router` is given. */
export type Run = (
  command: Command,
  action: (given: Given) => Promise<ExitCode>,
  ownRouter?: string,
) => Promise<void>;

/** Runs the program with its arguments (without `node` and the file) and answers what to exit with. Never rejects. */
export async function runMgmctl(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  const program = newProgram(
    io,
    async (command, action, ownRouter) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const router = options.router ?? ownRouter;
      exitCode = await withConnection({ ...options, ...(router && { router }) }, io, action);
    },
    (code) => (exitCode = code),
  );
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, program.opts<Partial<GlobalOptions>>(), argv, io);
  }
}

async function withConnection(
  options: GlobalOptions,
  io: Io,
  action: (given: Given) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { signal } = io;
  const colors = wantsColors(options.color, io);
  const out = new Output(io, { json: options.json === true, colors });
  await using mgm = await connectAs(options, io, signal);
  const exitCode = await action({ mgm, out, signal });
  return signal.aborted ? ExitCode.interrupted : exitCode;
}

function report(
  error: unknown,
  options: Partial<GlobalOptions>,
  argv: readonly string[],
  io: Io,
): ExitCode {
  // Help and version were printed already, as asked for.
  if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
  if (error instanceof CommanderError && error.code === 'commander.help') return ExitCode.usage;
  const failure = failureOf(error, placeOf(options, io));
  if (io.signal.aborted && failure.exitCode === ExitCode.interrupted) return ExitCode.interrupted;
  // Where the command line is wrong, its options may not have been read.
  const json = options.json === true || argv.includes('--json');
  io.writeError(`${json ? JSON.stringify(failureObject(failure)) : failureLine(failure)}\n`);
  return failure.exitCode;
}

const EXAMPLES = `
Examples:
  mgmctl --router r1 interfaces            what is held on router r1
  MGM_ROUTER=r1 mgmctl watch               every change, as it happens
  mgmctl --router r1 --json sessions       the same for programs, one object per line`;

const EXIT_CODES = `

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no answer, 4 not found, 130 interrupted`;

const TIMEOUT_MS = 5_000;

function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long to wait for an answer: 500ms, 5s, 2m')
    .argParser(duration(1, 3_600_000))
    .default(TIMEOUT_MS, '5s');
}

/** The command line as commander knows it. */
function newProgram(io: Io, run: Run, ended: (exitCode: ExitCode) => void): Command {
  const program = new Command('mgmctl')
    .description('Looks at, and steps into, who owns the interfaces of a router.')
    .option(
      '--nats <url>',
      'NATS servers, with commas between (or MGM_NATS_URL; nats://127.0.0.1:4222)',
    )
    .option('--router <name>', 'the router to ask about (or MGM_ROUTER)')
    .option('--prefix <subject>', 'what all subjects begin with (mgm.v1)')
    .addOption(timeoutOption())
    .option('--json', 'one JSON object per line, errors too')
    .option('--no-color', 'no colours; also where NO_COLOR is set or the output is no terminal')
    .configureHelp({ showGlobalOptions: true, helpWidth: HELP_WIDTH })
    .configureOutput({
      writeOut: (text) => io.write(text),
      writeErr: (text) => io.writeError(text),
      // Errors are told in one place, with what to do next.
      outputError: () => {},
    })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', EXAMPLES + EXIT_CODES);
  addReadingCommands(program, run, io);
  addAdminCommands(program, run, io);
  addTryingCommands(program, run, io);
  addDoctor(program, io, ended);
  addCompletion(program, io);
  return program;
}

const HELP_WIDTH = 100;
