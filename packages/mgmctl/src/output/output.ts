import { ExitCode } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { columnLines, type Column, type TableOptions } from './columns.ts';
import {
  createColors,
  fitLine,
  printable,
  printableJson,
  tableLines,
  type Colors,
} from './terminal.ts';

/** The form of the output. */
export interface OutputOptions {
  /** One JSON object per line instead of text. */
  readonly json: boolean;
  readonly colors: boolean;
  /** The columns of the terminal; `undefined` without one. */
  readonly width?: number | undefined;
}

/** How a listing is shown to people. */
export interface Listing<Item> {
  readonly columns: readonly Column<Item>[];
  readonly options: TableOptions;
  /** The order of the rows; absent: as the items arrive. */
  readonly order?: (a: Item, b: Item) => number;
  /** The remark if there is no item. */
  readonly none: string;
}

/** Where a command writes its result: text for people, or with `json` objects for programs. */
export class Output {
  readonly json: boolean;
  readonly colors: Colors;
  readonly width: number | undefined;
  readonly #io: Pick<Io, 'write' | 'writeError'>;

  constructor(io: Pick<Io, 'write' | 'writeError'>, options: OutputOptions) {
    this.#io = io;
    this.json = options.json;
    this.colors = createColors(options.colors);
    this.width = options.width;
  }

  /** One line of text. */
  line(text: string): void {
    this.#io.write(`${printable(text)}\n`);
  }

  /** One object as one line of JSON. */
  object(value: object): void {
    this.#io.write(`${printableJson(value)}\n`);
  }

  /** A head and rows of cells in aligned columns. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.#lines(tableLines([head.map((name) => this.colors.dim(name)), ...rows]));
  }

  /** A row per item. On a terminal it fits the width, unless the options say otherwise. */
  items<Item>(
    columns: readonly Column<Item>[],
    items: readonly Item[],
    options: TableOptions,
  ): void {
    const { width, colors } = this;
    for (const line of columnLines(columns, items, { ...options, width }, colors)) {
      this.line(width === undefined || options.output === 'wide' ? line : fitLine(line, width));
    }
  }

  /** A table, or with `json` one object per item, as it arrives. An empty list is no failure. */
  async list<Item extends object>(
    items: AsyncIterable<Item> | Iterable<Item>,
    { columns, options, order, none }: Listing<Item>,
  ): Promise<ExitCode> {
    if (this.json) {
      for await (const item of items) this.object(item);
      return ExitCode.ok;
    }
    const rows = await Array.fromAsync(items);
    if (rows.length === 0) this.note(none);
    else this.items(columns, order ? rows.toSorted(order) : rows, options);
    return ExitCode.ok;
  }

  /** One line per field, the names aligned. Undefined fields are left out. */
  fields(fields: Readonly<Record<string, string | undefined>>): void {
    const rows = Object.entries(fields).flatMap(([name, text]) =>
      text === undefined ? [] : [[this.colors.dim(name), text]],
    );
    this.#lines(tableLines(rows));
  }

  /** A remark for people only, on the standard error. */
  note(text: string): void {
    if (!this.json) this.#io.writeError(`${printable(this.colors.dim(text))}\n`);
  }

  /** A failure on the standard error. */
  failure(line: string, object: object): void {
    this.#io.writeError(`${this.json ? printableJson(object) : printable(line)}\n`);
  }

  #lines(lines: readonly string[]): void {
    for (const line of lines) this.line(line);
  }
}

/** Whether to colour: depends on the flag, https://no-color.org and the kind of output. */
export function wantsColors(flag: boolean, { env, screen }: Pick<Io, 'env' | 'screen'>): boolean {
  if (!flag || (env['NO_COLOR'] ?? '') !== '') return false;
  return screen !== undefined && env['TERM'] !== 'dumb';
}
