import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion-scripts.ts';
import type { GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';

const EXAMPLES = `
Examples:
  source <(mgmctl completion bash)         for ~/.bashrc
  source <(mgmctl completion zsh)          for ~/.zshrc, after compinit
  mgmctl completion fish | source          for ~/.config/fish/config.fish`;

/** Adds the command that prints what makes a shell complete the others. */
export function addCompletion(program: Command, io: Pick<Io, 'write'>): void {
  program
    .command('completion')
    .summary('print what makes a shell complete commands and options')
    .description('Prints what makes a shell complete commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell, _: object, command: Command) => {
      const script = completionScript(shell, program);
      const { json } = command.optsWithGlobals<GlobalOptions>();
      io.write(json === true ? `${JSON.stringify({ shell, script })}\n` : script);
    });
}
