import type { Command } from 'commander';
import { plainExamples, type Runner } from '../command.ts';
import { ExitCode, UsageError } from '../exit-code.ts';

export function addHelp(program: Command, { offline }: Runner): void {
  program
    .command('help')
    .summary('display help for command')
    .description('Displays the help of mgmctl, or of one command.')
    .argument('[command]', 'the command')
    .addHelpText('after', plainExamples('help', 'help interfaces'))
    .action((name: string | undefined, _: object, command: Command) =>
      offline(command, () => {
        const subject =
          name === undefined ? program : program.commands.find((one) => one.name() === name);
        if (!subject) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
        subject.outputHelp();
        return ExitCode.ok;
      }),
    );
}
