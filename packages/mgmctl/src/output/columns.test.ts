import { describe, expect, it } from 'vitest';
import { columnLines, type Column } from './columns.ts';
import { createColors, printable } from './terminal.ts';

interface Item {
  readonly name: string;
  readonly epoch: string;
}

const COLUMNS: readonly Column<Item>[] = [
  { name: 'NAME', rank: 0, cell: ({ name }) => name },
  { name: 'EPOCH (US)', rank: 2, cell: ({ epoch }) => epoch },
  { name: 'STATE', rank: 1, cell: (_, { green }) => green('held') },
];
const ITEMS = [{ name: 'pim-1', epoch: '1795360064929550' }];

function lines(
  width: number | undefined,
  options: Partial<Parameters<typeof columnLines>[2]> = {},
) {
  const all = columnLines(COLUMNS, ITEMS, { ...options, width }, createColors(true));
  // oxlint-disable-next-line no-control-regex -- removes the colours
  return all.map((line) => printable(line).replaceAll(/\u001b\[\d+m/g, ''));
}

describe('a table on a terminal', () => {
  it('has all columns if they fit, or without a terminal', () => {
    const all = ['NAME   EPOCH (US)        STATE', 'pim-1  1795360064929550  held'];
    expect(lines(29 + 1)).toEqual(all);
    expect(lines(undefined)).toEqual(all);
  });

  it('leaves out columns of less importance on a narrow terminal', () => {
    expect(lines(28)).toEqual(['NAME   STATE', 'pim-1  held']);
    expect(lines(11)).toEqual(['NAME', 'pim-1']);
    expect(lines(2)).toEqual(['NAME', 'pim-1']);
  });

  it('has all columns with -o wide, and the named ones with --columns', () => {
    expect(lines(10, { output: 'wide' })).toHaveLength(2);
    expect(lines(10, { output: 'wide' })[0]).toBe('NAME   EPOCH (US)        STATE');
    expect(lines(10, { columns: ['state', 'epoch'] })).toEqual([
      'STATE  EPOCH (US)',
      'held   1795360064929550',
    ]);
  });
});
