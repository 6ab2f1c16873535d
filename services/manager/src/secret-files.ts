import { readFileSync } from 'node:fs';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `<NAME>_FILE` by `<NAME>` with what the file holds, less the line break at its end, for each name given. A
 * variable given both ways, and a file that cannot be read, are problems.
 */
export function withSecretFiles(
  env: Env,
  names: readonly string[],
): { values: Record<string, string | undefined>; problems: string[] } {
  const values = { ...env };
  const problems: string[] = [];
  for (const name of names) {
    const fileVariable = `${name}_FILE`;
    const path = values[fileVariable];
    delete values[fileVariable];
    if (path === undefined) continue;
    if (values[name] !== undefined)
      problems.push(`${fileVariable}: must not be set beside ${name}`);
    const file = read(path);
    if (file.kind === 'text') values[name] = file.text;
    else problems.push(`${fileVariable}=${path}: cannot be read (${file.why})`);
  }
  return { values, problems };
}

function read(path: string): { kind: 'text'; text: string } | { kind: 'unreadable'; why: string } {
  try {
    return { kind: 'text', text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { kind: 'unreadable', why: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return String(error);
}
