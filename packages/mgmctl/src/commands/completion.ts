import { isMgmError, ProtocolId, type Mgm } from '@mgm/client';
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
const KINDS = ['routers', 'sessions', 'interfaces', 'groups', 'sources'] as const;
type Kind = (typeof KINDS)[number];

/** The kind of the values of an option, or of the first argument of a command, by its name. */
const KIND_OF: Readonly<Record<string, Kind>> = {
  router: 'routers',
  session: 'sessions',
  if: 'interfaces',
  group: 'groups',
  source: 'sources',
};

const ANY_ROUTER = 'mgmctl';
/** A person waits for the completion: a little longer than heads are apart. */
const ROUTERS_WITHIN_MS = 1_200;
/** More candidates than a person looks at; a router may have a million. */
const VALUES_MAX = 1_000;

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
  const shown = new Set<string>();
  for await (const value of values(kind, mgm, signal)) {
    if (value === '' || shown.has(value)) continue;
    out.line(value);
    if (shown.add(value).size === VALUES_MAX) break;
  }
  return ExitCode.ok;
}

async function* values(kind: Kind, mgm: Mgm, signal: AbortSignal): AsyncGenerator<string> {
  const page = { limit: 1_000, signal };
  switch (kind) {
    case 'routers':
      for (const { router } of await mgm.routers({ withinMs: ROUTERS_WITHIN_MS, signal }))
        yield router;
      break;
    case 'sessions':
      for await (const { session } of mgm.sessions(page)) yield String(session);
      break;
    case 'interfaces':
      for await (const { ifIndex } of mgm.interfaces(page)) yield String(ifIndex);
      break;
    case 'groups':
      for await (const { group } of mgm.groups({ ...page, type: 'any' })) yield group;
      for await (const { group } of flows(mgm, page)) yield group;
      break;
    case 'sources':
      for await (const { source } of mgm.groups(page)) yield source;
      for await (const { source } of flows(mgm, page)) yield source;
  }
}

/** Forwarding entries may have groups and sources without members. Older managers do not list any. */
async function* flows(mgm: Mgm, page: Parameters<Mgm['mfes']>[0]): ReturnType<Mgm['mfes']> {
  try {
    yield* mgm.mfes(page);
  } catch (error) {
    if (!isMgmError(error, 'not-supported')) throw error;
  }
}

function visibleCommands(program: Command): Command[] {
  return new Help().visibleCommands(program);
}

/** The commands of a group; none of another command. */
function commandsIn(command: Command): Command[] {
  return visibleCommands(command).filter((one) => one.name() !== 'help');
}

const PROTOCOLS = Object.keys(ProtocolId);

/** What may follow an option or a command: values of a kind, or words. */
type Following = Kind | readonly string[];

/** The options, as on the command line, and what may follow each. */
function optionValues(program: Command): Map<string, Following> {
  const found = new Map<string, Following>();
  for (const option of everyCommand(program).flatMap((command) => command.options)) {
    const following = valuesOfOption(option);
    for (const flag of [option.long, option.short])
      if (following !== undefined && flag !== undefined) found.set(flag, following);
  }
  return found;
}

function valuesOfOption({ long = '', argChoices }: Option): Following | undefined {
  const name = long.replace('--', '');
  return name === 'protocol' ? PROTOCOLS : (argChoices ?? KIND_OF[name]);
}

/** The commands with a first argument whose values are known, by their names as on the command line. */
function argumentValues(program: Command): Map<string, Following> {
  const found = new Map<string, Following>();
  for (const command of everyCommand(program)) {
    const [first] = command.registeredArguments;
    const following = first && (first.argChoices ?? KIND_OF[first.name()]);
    if (following) found.set(pathOf(command, program), following);
  }
  return found;
}

/** The program, its commands and those in groups. */
function everyCommand(command: Command): Command[] {
  return [command, ...commandsIn(command).flatMap(everyCommand)];
}

/** `static add` */
function pathOf(command: Command, program: Command): string {
  const { parent } = command;
  const outer = parent === null || parent === program ? '' : `${parent.name()} `;
  return `${outer}${command.name()}`;
}

/** Branches of `case`: the values after a word. `assign` makes words the candidates, `print` those of a kind. */
function valueCases(
  found: ReadonlyMap<string, Following>,
  { assign, print }: { assign: (words: string) => string; print: (kind: Kind) => string },
): string {
  return [...found]
    .map(([word, following]) => {
      const then = typeof following === 'string' ? print(following) : assign(following.join(' '));
      return `    '${word}') ${then} ;;`;
    })
    .join('\n');
}

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

/**
 * The first word that is a command, and in a group of commands the next one, decides which options are offered. The word
 * before the last one decides which values are offered.
 */
function bash(program: Command): string {
  const assign = (words: string): string => `words='${words}'`;
  const values = { assign, print: (kind: Kind) => `words=${valuesOf(kind, BASH_WORDS)}` };
  return `_mgmctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='${wordsOf(program)}' word group=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $group$word in
${casesOf(program, assign)}
    esac
  done
  case \${COMP_WORDS[COMP_CWORD-1]} in
${valueCases(optionValues(program), values)}
  esac
  [[ $current == -* ]] || case $group\${COMP_WORDS[COMP_CWORD-1]} in
${valueCases(argumentValues(program), values)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _mgmctl mgmctl
`;
}

const ZSH_WORDS = '"${(@)words[2,CURRENT-2]}"';

function zsh(program: Command): string {
  const assign = (words: string): string => `candidates=(${words})`;
  const print = (kind: Kind): string => `candidates=(\${(f)"${valuesOf(kind, ZSH_WORDS)}"})`;
  return `#compdef mgmctl
_mgmctl() {
  local word group=
  local -a candidates=(${wordsOf(program)})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $group$word in
${casesOf(program, assign)}
    esac
  done
  case \${words[CURRENT-1]} in
${valueCases(optionValues(program), { assign, print })}
  esac
  [[ \${words[CURRENT]} == -* ]] || case $group\${words[CURRENT-1]} in
${valueCases(argumentValues(program), { assign, print })}
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
  const positional = [...argumentValues(program)].map(([path, following]) => {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`);
    const isFirst = `string match -q -- ${path.split(' ').at(-1)} (commandline -opc)[-1]`;
    return `complete -c mgmctl -n '${[...seen, isFirst].join('; and ')}'${fishValues(following)}`;
  });
  return ['complete -c mgmctl -f', ...globals, ...lines, ...positional, ''].join('\n');
}

/** Values as an argument of `complete`. */
function fishValues(following: Following | undefined): string {
  if (following === undefined) return '';
  if (typeof following !== 'string') return ` -a '${following.join(' ')}'`;
  return ` -a '(mgmctl --timeout 1s complete ${following} (commandline -opc)[2..-2] 2>/dev/null)'`;
}

function fishOption(option: Option, condition: string): string {
  const name = (option.long ?? '').replace('--', '');
  const argument = option.required ? ' -r' : '';
  const values = fishValues(valuesOfOption(option));
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
