import pc from 'picocolors';
import type { Io } from './io.ts';
import { tableText } from './table.ts';

/** How text is coloured; those of `picocolors`. */
export type Colors = ReturnType<typeof pc.createColors>;

/** How a command answers. */
export interface OutputOptions {
  /** One JSON object per line instead of text. */
  readonly json: boolean;
  readonly colors: boolean;
}

/** Where a command puts its answer: text for people, or with `json` objects for programs. */
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

  /** A head and rows of cells under each other. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.line(tableText([head.map((name) => this.colors.dim(name)), ...rows]));
  }

  /** One line per field, the names aligned. Fields without a text are left out. */
  fields(fields: Readonly<Record<string, string | undefined>>): void {
    const rows = Object.entries(fields).flatMap(([name, text]) =>
      text === undefined ? [] : [[this.colors.dim(name), text]],
    );
    this.line(tableText(rows));
  }

  /** Something beside the answer, for people only, on the standard error. */
  note(text: string): void {
    if (!this.json) this.#io.writeError(`${this.colors.dim(text)}\n`);
  }
}

/** Whether to colour, by the flag, https://no-color.org and where the output goes. */
export function wantsColors(flag: boolean, { env, screen }: Pick<Io, 'env' | 'screen'>): boolean {
  if (!flag || (env['NO_COLOR'] ?? '') !== '') return false;
  return screen !== undefined && env['TERM'] !== 'dumb';
}
