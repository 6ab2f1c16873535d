import type { Command } from 'commander';
import { examples, type Runner } from '../command.ts';
import { connectAs, natsServers, routerOf } from '../connection.ts';
import { withContext } from '../contexts.ts';
import { doctor } from '../doctor/doctor.ts';

/** It checks the connection itself, so it opens its own. */
export function addDoctor(program: Command, { io, offline }: Runner): void {
  program
    .command('doctor')
    .summary('find out what is wrong')
    .description(
      'Checks each step from here to the managers and their store, and says how to fix it.',
    )
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action((_: object, command: Command) =>
      offline(command, async ({ options: given, out, signal }) => {
        const options = withContext(given, io.env);
        routerOf(options, io);
        const { servers } = natsServers(options, io);
        const connect = () => connectAs(options, io, signal);
        return await doctor(out, { servers, connect, timeoutMs: options.timeout, signal });
      }),
    );
}
