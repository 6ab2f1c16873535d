import { ProtocolId } from '@mgm/client';
import { Argument, Help, type Command, type Option } from 'commander';
import type { Context, Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
Examples:
  source <(mgmctl completion bash)         for ~/.bashrc
  source <(mgmctl completion zsh)          for ~/.zshrc, after compinit
  mgmctl completion fish | source          for ~/.config/fish/config.fish`;

/** The values that `mgmctl complete` prints. */
const KINDS = ['routers', 'sessions', 'groups'] as const;
type Kind = (typeof KINDS)[number];

const ANY_ROUTER = 'mgmctl';
/** A person waits for the completion: a little longer than heads are apart. */
const ROUTERS_WITHIN_MS = 1_200;

export function addCompletion(program: Command, { connected, offline }: Runner): void {
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
  program
    .command('complete', { hidden: true })
    .description(
      'Prints the values that a completion script offers. The words of the line follow the kind.',
    )
    .addArgument(new Argument('<kind>', 'the kind of values').choices(KINDS))
    .argument('[words...]', 'the words of the line, for its global options')
    .allowUnknownOption()
    .addHelpText('after', '\nExamples:\n  mgmctl complete sessions --router r1')
    .action((kind: Kind, _words: string[], _: object, command: Command) =>
      connected(
        command,
        (context) => printValues(kind, context),
        kind === 'routers' ? ANY_ROUTER : undefined,
      ),
    );
}

async function printValues(kind: Kind, { mgm, out, signal }: Context): Promise<ExitCode> {
  switch (kind) {
    case 'routers': {
      const found = await mgm.routers({ withinMs: ROUTERS_WITHIN_MS, signal });
      for (const { router } of found) out.line(router);
      break;
    }
    case 'sessions':
      for await (const { session } of mgm.sessions({ limit: 1_000, signal }))
        out.line(String(session));
      break;
    case 'groups':
      for await (const { group } of mgm.groups({ type: 'any', limit: 1_000, signal }))
        out.line(group);
  }
  return ExitCode.ok;
}

function visibleCommands(program: Command): Command[] {
  return new Help().visibleCommands(program);
}

/** The commands of a group; none of another command. */
function commandsIn(command: Command): Command[] {
  return visibleCommands(command).filter((one) => one.name() !== 'help');
}

const PROTOCOLS = Object.keys(ProtocolId).join(' ');
/** Prints the values of a kind; `words` are those before the last one, which decides the kind. */
const valuesOf = (kind: Kind, words: string): string =>
  `$(mgmctl --timeout 1s complete ${kind} ${words} 2>/dev/null)`;

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

/** A branch of `case` for each command, and for each one in a group. `assign` makes its words the candidates. */
function casesOf(program: Command, assign: (words: string) => string): string {
  return visibleCommands(program)
    .flatMap((command) => {
      const name = command.name();
      const inner = commandsIn(command).map(
        (one) => `      '${name} ${one.name()}') ${assign(wordsOf(one, program))}; break ;;`,
      );
      const next = inner.length > 0 ? `group='${name} '` : 'break';
      return [`      ${name}) ${assign(wordsOf(command, program))}; ${next} ;;`, ...inner];
    })
    .join('\n');
}

const BASH_WORDS = '"${COMP_WORDS[@]:1:COMP_CWORD-2}"';

/** The first word that is a command, and in a group of commands the next one, decides which options are offered. */
function bash(program: Command): string {
  return `_mgmctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='${wordsOf(program)}' word group=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $group$word in
${casesOf(program, (words) => `words='${words}'`)}
    esac
  done
  case \${COMP_WORDS[COMP_CWORD-1]} in
    --router) words=${valuesOf('routers', BASH_WORDS)} ;;
    --session | evict) words=${valuesOf('sessions', BASH_WORDS)} ;;
    --group) words=${valuesOf('groups', BASH_WORDS)} ;;
    --protocol) words='${PROTOCOLS}' ;;
    --output | -o) words=wide ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _mgmctl mgmctl
`;
}

const ZSH_WORDS = '"${(@)words[2,CURRENT-2]}"';

function zsh(program: Command): string {
  return `#compdef mgmctl
_mgmctl() {
  local word group=
  local -a candidates=(${wordsOf(program)})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $group$word in
${casesOf(program, (words) => `candidates=(${words})`)}
    esac
  done
  case \${words[CURRENT-1]} in
    --router) candidates=(\${(f)"${valuesOf('routers', ZSH_WORDS)}"}) ;;
    --session|evict) candidates=(\${(f)"${valuesOf('sessions', ZSH_WORDS)}"}) ;;
    --group) candidates=(\${(f)"${valuesOf('groups', ZSH_WORDS)}"}) ;;
    --protocol) candidates=(${PROTOCOLS}) ;;
    --output|-o) candidates=(wide) ;;
  esac
  compadd -- $candidates
}
compdef _mgmctl mgmctl
`;
}

/** Fish shows a description of each candidate. */
function fish(program: Command): string {
  const commands = visibleCommands(program);
  const names = commands.map((command) => command.name()).join(' ');
  const isFirst = `'not __fish_seen_subcommand_from ${names}'`;
  const lines = commands.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command.name()}`;
    return [
      `complete -c mgmctl -n ${isFirst} -a ${command.name()} -d ${quoted(command.summary())}`,
      ...command.options.map((option) => fishOption(option, ` -n '${seen}'`)),
      ...commandsIn(command).flatMap((one) => [
        `complete -c mgmctl -n '${seen}' -a ${one.name()} -d ${quoted(one.summary())}`,
        ...one.options.map((option) =>
          fishOption(option, ` -n '${seen}; and __fish_seen_subcommand_from ${one.name()}'`),
        ),
      ]),
    ];
  });
  const globals = program.options.map((option) => fishOption(option, ''));
  const evict = `complete -c mgmctl -n '__fish_seen_subcommand_from evict' -a '${fishValues('sessions')}'`;
  return ['complete -c mgmctl -f', ...globals, ...lines, evict, ''].join('\n');
}

function fishValues(kind: Kind): string {
  return `(mgmctl --timeout 1s complete ${kind} (commandline -opc)[2..-2] 2>/dev/null)`;
}

/** The values of an option, as an argument of `complete`. */
function fishArguments(name: string): string {
  switch (name) {
    case 'router':
      return ` -a '${fishValues('routers')}'`;
    case 'session':
      return ` -a '${fishValues('sessions')}'`;
    case 'group':
      return ` -a '${fishValues('groups')}'`;
    case 'protocol':
      return ` -a '${PROTOCOLS}'`;
    case 'output':
      return ' -a wide';
    default:
      return '';
  }
}

function fishOption(option: Option, condition: string): string {
  const name = (option.long ?? '').replace('--', '');
  const argument = option.required ? ' -r' : '';
  const values = fishArguments(name);
  return `complete -c mgmctl${condition} -l ${name}${argument}${values} -d ${quoted(option.description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** The candidates: the subcommands of the first command, and the options of all of them. */
function wordsOf(...commands: readonly Command[]): string {
  const [first] = commands;
  const names = first ? visibleCommands(first).map((command) => command.name()) : [];
  const flags = commands.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  return [...names, ...flags, '--help'].join(' ');
}
