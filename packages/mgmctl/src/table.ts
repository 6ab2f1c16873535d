import Table from 'cli-table3';

const BORDERS =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid';

/** Cells under each other, two spaces apart and without borders. */
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
