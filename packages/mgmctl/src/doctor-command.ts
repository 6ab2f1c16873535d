import type { Command } from 'commander';
import { doctor } from './doctor.ts';
import { connectAs, natsServers, routerOf, type GlobalOptions } from './globals.ts';
import type { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { Output, wantsColors } from './output.ts';
import { example } from './reading-commands.ts';

/** Adds the command that looks at the way itself, and so has no connection given. */
export function addDoctor(program: Command, io: Io, ended: (exitCode: ExitCode) => void): void {
  program
    .command('doctor')
    .summary('find out what is wrong')
    .description('Looks at each step of the way to the managers, and says what mends it.')
    .addHelpText('after', example('doctor', 'doctor --json'))
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const out = new Output(io, {
        json: options.json === true,
        colors: wantsColors(options.color, io),
      });
      const { signal } = io;
      routerOf(options, io);
      const { servers } = natsServers(options, io);
      const connect = () => connectAs(options, io, signal);
      ended(await doctor(out, { servers, connect, timeoutMs: options.timeout, signal }));
    });
}
