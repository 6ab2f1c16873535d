import { parseArgs } from 'node:util';
import { VERSION } from '@mgm/protocol';
import { variables, type Variable } from './config/variables.ts';

/** What the arguments ask for: to serve, or only a text. */
export type Asked =
  | { readonly kind: 'serve' }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** Reads the arguments of the program. */
export function readCommandLine(args: readonly string[]): Asked {
  const options = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return { kind: 'print', text: help() };
    if (values.version) return { kind: 'print', text: `mgm-console ${VERSION}\n` };
    return { kind: 'serve' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', text: `mgm-console: ${why}\nmgm-console --help has the arguments` };
  }
}

function help(): string {
  const names = Object.entries(variables).map(([name, variable]) => {
    const { meaning, preset }: Variable<unknown> = variable;
    const shown = String(preset) === '' ? '' : ` (${String(preset)})`;
    return `  ${name.padEnd(26)} ${meaning.replaceAll('`', '')}${shown}`;
  });
  return `mgm-console            serves the console until SIGTERM or SIGINT, and prints its address
mgm-console --version  prints the version
mgm-console --help     prints this text

Variables of the environment:
${names.join('\n')}

Exit codes: 0 after SIGTERM or SIGINT, 1 when it failed, 2 for a wrong configuration, argument or version of Node.
`;
}
