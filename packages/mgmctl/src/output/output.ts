import Table from 'cli-table3';
import pc from 'picocolors';
import type { Io } from '../io.ts';

/** Functions that colour a text, or return it unchanged. */
export type Colors = ReturnType<typeof pc.createColors>;

/** The form of the output. */
export interface OutputOptions {
  /** One JSON object per line instead of text. */
  readonly json: boolean;
  readonly colors: boolean;
}

/** Where a command writes its result: text for people, or with `json` objects for programs. */
export class Output {
  readonly json: boolean;
  readonly colors: Colors;
  readonly #io: Pick<Io, 'write' | 'writeError'>;

  constructor(io: Pick<Io, 'write' | 'writeError'>, options: OutputOptions) {
    this.#io = io;
    this.json = options.json;
    this.colors = pc.createColors(options.colors);
  }

  /** One line of text. */
  line(text: string): void {
    this.#io.write(`${text}\n`);
  }

  /** One object as one line of JSON. */
  object(value: object): void {
    this.line(JSON.stringify(value));
  }

  /** A head and rows of cells in aligned columns. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.line(tableText([head.map((name) => this.colors.dim(name)), ...rows]));
  }

  /** One line per field, the names aligned. Undefined fields are left out. */
  fields(fields: Readonly<Record<string, string | undefined>>): void {
    const rows = Object.entries(fields).flatMap(([name, text]) =>
      text === undefined ? [] : [[this.colors.dim(name), text]],
    );
    this.line(tableText(rows));
  }

  /** A remark for people only, on the standard error. */
  note(text: string): void {
    if (!this.json) this.#io.writeError(`${this.colors.dim(text)}\n`);
  }
}

/** Whether to colour: depends on the flag, https://no-color.org and the kind of output. */
export function wantsColors(flag: boolean, { env, screen }: Pick<Io, 'env' | 'screen'>): boolean {
  if (!flag || (env['NO_COLOR'] ?? '') !== '') return false;
  return screen !== undefined && env['TERM'] !== 'dumb';
}

const BORDERS =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid';

/** Cells in aligned columns, two spaces apart and without borders. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const table = new Table({
    chars: { ...Object.fromEntries(BORDERS.split(' ').map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
