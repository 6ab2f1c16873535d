import { documented } from './config-values.ts';
import { variables } from './variables.ts';

/** The variables as a Markdown table: name, default, allowed values, meaning. */
export function configTable(): string {
  const rows = Object.entries(variables.shape).map(([name, schema]) => {
    const { preset, allowed, meaning, secret } = documented.get(schema) ?? undocumented(name);
    const orFile = secret ? `; or a file that holds it: \`${name}_FILE\`` : '';
    return `| \`${name}\` | ${preset} | ${allowed} | ${meaning}${orFile} |`;
  });
  return ['| Variable | Default | Allowed | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function undocumented(name: string): never {
  throw new Error(`${name} has no description`);
}
