import { counted } from '@mgm/protocol';
import { eventLine } from '../output/event-line.ts';
import { columnLines, type Column } from '../output/columns.ts';
import { fitLine, type Colors } from '../output/terminal.ts';
import { SESSION_COLUMNS } from '../output/text.ts';
import type { TopView } from './model.ts';
import { REPLICA_COLUMNS } from './replicas.ts';

/** The size of a terminal in characters. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** What the title shows in addition to the view. */
export interface FrameTitle {
  readonly router: string;
  readonly isConnected: boolean;
}

/** The least number of lines for changes if there are many sessions. */
const CHANGES_LEAST = 5;
/** The most lines for replicas, the head included. */
const REPLICAS_MOST = 6;
/** Two lines of title, three empty lines, one line for the cursor. */
const AROUND = 6;

/** The view as lines that fit the terminal: title, replicas, sessions, and the last changes. */
export function topFrame(
  view: TopView,
  title: FrameTitle,
  size: FrameSize,
  colors: Colors,
): string[] {
  const replicas = replicaLines(view, size.columns, colors);
  const left = Math.max(0, size.rows - AROUND - replicas.length);
  const changesRoom = Math.min(view.changes.length || 1, CHANGES_LEAST);
  const sessionsSize = { columns: size.columns, rows: Math.max(2, left - changesRoom) };
  const sessions = sessionLines(view, sessionsSize, colors);
  const changes = changeLines(view, Math.max(1, left - sessions.length), colors);
  return [...titleLines(view, title, colors), '', ...replicas, '', ...sessions, '', ...changes]
    .slice(0, Math.max(1, size.rows - 1))
    .map((line) => fitLine(line, size.columns));
}

function titleLines(view: TopView, { router, isConnected }: FrameTitle, colors: Colors): string[] {
  const { rev, interfaces, igmp, changesPerSecond, sessions } = view;
  const link = isConnected ? colors.green('connected') : colors.red('NATS is away');
  const held = `${counted(interfaces, 'interface')} held, IGMP on ${igmp}`;
  const registered = sessions
    ? counted(sessions.length, 'session')
    : colors.red('no manager answers');
  return [
    `${colors.bold(`router ${router}`)}  ${link}  revision ${rev}`,
    `${held}  ${registered}  ${changesPerSecond.toFixed(1)} changes/s`,
  ];
}

function replicaLines({ replicas }: TopView, width: number, colors: Colors): string[] {
  if (!replicas) return [colors.dim('replicas unknown: mgmctl doctor says why')];
  if (replicas.length === 0) return [colors.red('no manager reported its status')];
  return limitedTable(REPLICA_COLUMNS, replicas, { columns: width, rows: REPLICAS_MOST }, colors);
}

function sessionLines({ sessions = [] }: TopView, size: FrameSize, colors: Colors): string[] {
  if (sessions.length === 0) return [colors.dim('no sessions')];
  return limitedTable(SESSION_COLUMNS, sessions, size, colors);
}

/** A head, as many rows as fit, and the number of rows left out. */
function limitedTable<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  size: FrameSize,
  colors: Colors,
): string[] {
  const fits = items.length + 1 <= size.rows;
  const shown = fits ? items : items.slice(0, Math.max(0, size.rows - 2));
  const lines = columnLines(columns, shown, { width: size.columns }, colors);
  return fits ? lines : [...lines, colors.dim(`… and ${items.length - shown.length} more`)];
}

function changeLines({ changes }: TopView, high: number, colors: Colors): string[] {
  if (changes.length === 0) return [colors.dim('no changes yet')];
  return changes.slice(-high).map((event) => eventLine(event, colors));
}
