import { randomInt } from 'node:crypto';
import { inspect, stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

/** The styles in use. */
const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan'] as const;

/** Functions that style a text, or return it unchanged. Their result must pass through {@link printable}. */
export type Colors = Readonly<Record<(typeof STYLES)[number], (text: string) => string>>;

const ESC = '\u001b';
/**
 * Precedes each style sequence of this process. A text from the bus cannot contain its random numbers. It is a sequence without
 * effect, so that the width of a text can still be computed.
 */
const MARK = `${ESC}[${Array.from({ length: 3 }, () => randomInt(1_000, 10_000)).join(';')}m`;

export function createColors(enabled: boolean): Colors {
  const styles = STYLES.map((name) => {
    const [open = 0, close = 0] = inspect.colors[name] ?? [];
    const style = (text: string): string => `${MARK}${ESC}[${open}m${text}${MARK}${ESC}[${close}m`;
    return [name, enabled ? style : (text: string): string => text];
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every style has its function
  return Object.fromEntries(styles) as Colors;
}

/** Control and format characters: C0, DEL, C1, bidirectional controls and so on, and the separators of lines. */
const CONTROLS = '[\\p{C}\\u2028\\u2029]';
const STYLE = `${MARK.replace('[', '\\[')}(${ESC}\\[\\d+m)`;
const STYLES_OR_CONTROLS = new RegExp(`${STYLE}|${CONTROLS}`, 'gu');

/** Replaces control characters by `?`, but keeps marked style sequences. */
function withoutControls(text: string): string {
  return text.replaceAll(STYLES_OR_CONTROLS, (found, style: string | undefined) =>
    style === undefined ? '?' : found,
  );
}

/** A finished line for a terminal: no text from the bus can control it. Every output for people passes through here. */
export function printable(line: string): string {
  return line.replaceAll(STYLES_OR_CONTROLS, (_, style: string | undefined) => style ?? '?');
}

/** JSON on one line. Control characters that JSON allows in strings are escaped, too. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(new RegExp(CONTROLS, 'gu'), (found) =>
    Array.from(
      { length: found.length },
      (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

const BORDERS =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid';

/** The lines of a table: cells in aligned columns, two spaces apart and without borders. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    chars: { ...Object.fromEntries(BORDERS.split(' ').map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => row.map(withoutControls)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The number of characters that a line takes on the terminal, without its styles. */
export function lineWidth(line: string): number {
  return stripVTControlCharacters(line).length;
}

/** Shortens a line that is too long. It loses its styles, whose end might be cut off. */
export function fitLine(line: string, columns: number): string {
  const safe = withoutControls(line);
  const plain = stripVTControlCharacters(safe);
  return plain.length <= columns ? safe : `${plain.slice(0, Math.max(0, columns - 1))}…`;
}
