import Table from 'cli-table3';
import { type Figure, targetText, verdictOf } from './figures.ts';
import { number, spreadOf } from './statistics.ts';
import type { Section } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

const HEAD = ['What', 'Median', 'Lowest to highest', 'Target', ''];

/** One row of text: label, median, spread, target, verdict. */
export function rowOf(figure: Figure): string[] {
  const { what, unit, values, absent } = figure;
  if (values.length === 0) return [what, '–', absent ?? '', targetText(figure), 'not measured'];
  const { median, min, max } = spreadOf(values);
  const spread = values.length === 1 ? '' : `${number(min)} to ${number(max)}`;
  return [
    what,
    `${number(median)} ${unit}`.trimEnd(),
    spread,
    targetText(figure),
    verdictOf(figure) ?? '',
  ];
}

/** A section as a table for the terminal. */
export function terminalTable({
  scenario,
  servers,
  loadBefore,
  machine,
  figures,
}: Section): string {
  const table = new Table({
    head: [scenario, ...HEAD.slice(1)],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...figures.map(rowOf));
  const about = `${servers}; ${machine.cores} cores, load ${number(loadBefore)} at the start`;
  return `${SCENARIOS[scenario].title}\n${about}\n${table.toString()}`;
}

/** Figures as a Markdown table in the layout of the formatter. */
export function markdownTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(rowOf)].map((row) => row.map(escaped));
  const widths = HEAD.map((_, at) => Math.max(3, ...rows.map((row) => width(row[at] ?? ''))));
  const isRight = (at: number): boolean => at === 1 || at === 2;
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => padded(cell, widths[at] ?? 3, isRight(at))).join(' | ')} |`;
  const rule = widths.map((wide, at) =>
    isRight(at) ? `${'-'.repeat(wide - 1)}:` : '-'.repeat(wide),
  );
  const [head = [], ...body] = rows;
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('*', '\\*');
}

/** Every character that occurs here is one column wide. */
function width(cell: string): number {
  return [...cell].length;
}

function padded(cell: string, wide: number, isRight: boolean): string {
  const space = ' '.repeat(wide - width(cell));
  return isRight ? space + cell : cell + space;
}
