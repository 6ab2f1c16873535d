import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

/** The height of a row in pixels, as in style.css. */
const ROW_PX = 40;

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Shown on wide screens only. */
  readonly isExtra?: boolean;
}

interface TableProps<Row> {
  /** What the table lists, for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string | number;
  /** Shown when there are no rows. */
  readonly empty: string;
}

/** A table of any length, of which only the rows on the screen exist. */
export function Table<Row>({ label, rows, columns, keyOf, empty }: TableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const visible = useVisible(scroller, rows.length);
  const items = visible.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = visible.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div class="scroller" role="region" aria-label={label} tabIndex={0} ref={scroller}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map(({ title, isExtra }) => (
              <th key={title} scope="col" class={isExtra === true ? 'extra' : ''}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={before} />
          {items.map(({ index }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <tr key={keyOf(row)} class="row" aria-rowindex={index + 2}>
                {columns.map(({ title, cell, isExtra }) => (
                  <td key={title} class={isExtra === true ? 'extra' : ''}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          <Spacer height={after} />
        </tbody>
      </table>
      {rows.length === 0 && <p class="empty">{empty}</p>}
    </div>
  );
}

function Spacer({ height }: { readonly height: number }) {
  return height > 0 ? <tr aria-hidden="true" style={{ height: `${height}px` }} /> : null;
}

/** The rows on the screen, as the scroller and the number of rows say. */
function useVisible(scroller: { readonly current: HTMLDivElement | null }, count: number) {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: draw,
  };
  const [virtualizer] = useState(
    () => new Virtualizer<HTMLDivElement, HTMLTableRowElement>(options),
  );
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
