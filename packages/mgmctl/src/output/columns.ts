import { InvalidArgumentError, Option, type Command } from 'commander';
import { lineWidth, tableLines, type Colors } from './terminal.ts';

/** A column of a table. */
export interface Column<Item> {
  readonly name: string;
  /** Columns with higher numbers are left out first if the table is too wide for the terminal; 0 is never left out. */
  readonly rank: number;
  readonly cell: (item: Item, colors: Colors) => string;
}

/** How a table is shown. */
export interface TableOptions {
  /** `wide`: all columns, however wide the terminal is. */
  readonly output?: 'wide' | undefined;
  /** The names of the columns to show, in this order. */
  readonly columns?: readonly string[] | undefined;
}

/** Adds the options of a command that prints a table. */
export function withTableOptions(
  command: Command,
  columns: readonly Pick<Column<never>, 'name'>[],
): Command {
  const names = columns.map(({ name }) => keyOf(name));
  const output = new Option('-o, --output <form>', 'wide: all columns, also on a narrow terminal');
  return command
    .addOption(output.choices(['wide']))
    .option('--columns <names>', `only these columns: ${names.join(',')}`, (text: string) => {
      const wanted = text.split(',').map((name) => keyOf(name.trim()));
      const unknown = wanted.find((name) => !names.includes(name));
      if (unknown === undefined) return wanted;
      throw new InvalidArgumentError(`must be of ${names.join(',')}, separated by commas`);
    });
}

/** `SINCE (UTC)` is `since` on the command line. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/ \(.*/, '').replaceAll(' ', '-');
}

/** The lines of a table with a head, in the columns that the options and the width of the terminal allow. */
export function columnLines<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  { output, columns: wanted, width }: TableOptions & { readonly width: number | undefined },
  colors: Colors,
): string[] {
  const named = wanted?.flatMap((key) => columns.find(({ name }) => keyOf(name) === key) ?? []);
  const limit = output === 'wide' || named || width === undefined ? Infinity : width;
  for (let shown = named ?? columns; ; shown = withoutHighest(shown)) {
    const head = shown.map(({ name }) => colors.dim(name));
    const rows = items.map((item) => shown.map(({ cell }) => cell(item, colors)));
    const lines = tableLines([head, ...rows]);
    const isLast = shown.every(({ rank }) => rank === 0);
    if (isLast || lines.every((line) => lineWidth(line) <= limit)) return lines;
  }
}

function withoutHighest<Item>(columns: readonly Column<Item>[]): readonly Column<Item>[] {
  const highest = Math.max(...columns.map(({ rank }) => rank));
  return columns.filter(({ rank }) => rank !== highest);
}
