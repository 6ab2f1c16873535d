import { Argument, type Command, type Option } from 'commander';
import type { Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
Examples:
  source <(mgmctl completion bash)         for ~/.bashrc
  source <(mgmctl completion zsh)          for ~/.zshrc, after compinit
  mgmctl completion fish | source          for ~/.config/fish/config.fish`;

export function addCompletion(program: Command, { offline }: Runner): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script with which a shell completes commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell, _: object, command: Command) =>
      offline(command, ({ out }) => {
        const script = completionScript(shell, program);
        if (out.json) out.object({ shell, script });
        else for (const line of script.trimEnd().split('\n')) out.line(line);
        return ExitCode.ok;
      }),
    );
}

/** Made from the commands and options of the program. */
function completionScript(shell: Shell, program: Command): string {
  switch (shell) {
    case 'bash':
      return bash(program);
    case 'zsh':
      return zsh(program);
    case 'fish':
      return fish(program);
  }
}

/** The first word that is a command decides which options are offered. */
function bash(program: Command): string {
  return `_mgmctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='${wordsOf(program)}' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
${program.commands.map((one) => `      ${one.name()}) words='${wordsOf(one, program)}' ;;`).join('\n')}
      *) continue ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _mgmctl mgmctl
`;
}

function zsh(program: Command): string {
  return `#compdef mgmctl
_mgmctl() {
  local word
  local -a candidates=(${wordsOf(program)})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in
${program.commands.map((one) => `      ${one.name()}) candidates=(${wordsOf(one, program)}) ;;`).join('\n')}
      *) continue ;;
    esac
    break
  done
  compadd -- $candidates
}
compdef _mgmctl mgmctl
`;
}

/** Fish shows a description of each candidate. */
function fish(program: Command): string {
  const names = program.commands.map((command) => command.name()).join(' ');
  const isFirst = `'not __fish_seen_subcommand_from ${names}'`;
  const lines = program.commands.flatMap((command) => [
    `complete -c mgmctl -n ${isFirst} -a ${command.name()} -d ${quoted(command.summary())}`,
    ...command.options.map((option) =>
      fishOption(option, ` -n '__fish_seen_subcommand_from ${command.name()}'`),
    ),
  ]);
  const globals = program.options.map((option) => fishOption(option, ''));
  return ['complete -c mgmctl -f', ...globals, ...lines, ''].join('\n');
}

function fishOption(option: Option, condition: string): string {
  const name = (option.long ?? '').replace('--', '');
  const argument = option.required ? ' -r' : '';
  return `complete -c mgmctl${condition} -l ${name}${argument} -d ${quoted(option.description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** The candidates: the subcommands of the first command, and the options of all of them. */
function wordsOf(...commands: readonly Command[]): string {
  const [first] = commands;
  const names = first?.commands.map((command) => command.name()) ?? [];
  const flags = commands.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  return [...names, ...flags, '--help'].join(' ');
}
