import { fitLine, printable, tableLines, type Colors } from '@mgm/mgmctl';
import { type EventMessage, interfaceText, protocolName } from '@mgm/protocol';
import type { Hold, Row } from './board.ts';
import type { GroupRow } from './groups.ts';
import { eventInterface, sessionText, whoText } from './text-line.ts';

/** A process of this run, with the id for `kill`. */
export interface ShownProcess {
  readonly name: string;
  /** Absent while it does not run. */
  readonly pid: number | undefined;
}

/** What the view shows. */
export interface FrameModel {
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly router: string;
  readonly managers: readonly ShownProcess[];
  /** The number of managers that answered last time. */
  readonly answering: number;
  readonly workers: readonly ShownProcess[];
  /** Changes per second. */
  readonly rate: number;
  readonly rows: readonly Row[];
  /** The groups with members. */
  readonly groups: readonly GroupRow[];
  /** Oldest first. */
  readonly changes: readonly EventMessage[];
  /** How often IGMP was disabled and enabled again, by the text of the interface. */
  readonly igmpRestarts: ReadonlyMap<string, number>;
  /** How many alerts the workers received, by protocol and type: `PIM LOCAL_JOIN`. */
  readonly alerts: ReadonlyMap<string, number>;
}

/** The terminal's size in characters. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

const CHANGES_SHOWN = 8;
const CHANGES_LEAST = 2;
const GROUPS_SHOWN = 5;
/** Below these widths less important columns are omitted. */
const WIDE = 72;
const MIDDLE = 50;

/** The view as lines that fit the terminal. */
export function frame(model: FrameModel, size: FrameSize, colors: Colors): string {
  const head = headLines(model, colors);
  const rowsHigh = 1 + Math.max(model.rows.length, 1);
  // Two empty lines between the parts, one line for the cursor.
  const forAll = size.rows - head.length - 3;
  const groups = groupLines(model.groups, forAll - CHANGES_LEAST - 2, colors);
  const left = forAll - groups.length;
  const changesHigh = Math.min(CHANGES_SHOWN, Math.max(CHANGES_LEAST, left - rowsHigh));
  const table = rowLines(model, size.columns, Math.max(2, left - changesHigh), colors);
  const changes = changeLines(model.changes.slice(-changesHigh), size.columns, colors);
  return [...head, '', ...table, ...groups, '', ...changes]
    .slice(0, Math.max(1, size.rows - 1))
    .map((line) => printable(fitLine(line, size.columns)))
    .join('\n');
}

function headLines(model: FrameModel, colors: Colors): string[] {
  const { natsUrl, redisUrl, router, managers, answering, workers, rate, alerts } = model;
  const alive = `${answering}/${managers.length}`;
  const paint = answering === managers.length ? colors.green : colors.red;
  return [
    `${colors.bold(`router ${router}`)}  ${natsUrl}  ${redisUrl}`,
    `managers ${paint(alive)} (${pids(managers)})  ${rate.toFixed(1)} changes/s`,
    ...(workers.length > 0 ? [`workers ${workers.map(workerText).join('  ')}`] : []),
    ...alertLines(alerts),
  ];
}

/** `alerts to PIM: JOIN 1, LOCAL_JOIN 3`, a line for each protocol. */
function alertLines(alerts: ReadonlyMap<string, number>): string[] {
  const sorted = [...alerts].toSorted(([a], [b]) => a.localeCompare(b));
  const named = sorted.map(([name, count]) => {
    const [protocol = '', type = ''] = name.split(' ');
    return { protocol, text: `${type.replace('_ALERT', '')} ${count}` };
  });
  const byProtocol = Map.groupBy(named, ({ protocol }) => protocol);
  return Array.from(
    byProtocol,
    ([protocol, all]) => `alerts to ${protocol}: ${all.map(({ text }) => text).join(', ')}`,
  );
}

function pids(processes: readonly ShownProcess[]): string {
  return `pid ${processes.map(({ pid }) => pid ?? '-').join(', ')}`;
}

function workerText({ name, pid }: ShownProcess): string {
  return `${name} (${pid === undefined ? 'down' : `pid ${pid}`})`;
}

function rowLines(model: FrameModel, columns: number, high: number, colors: Colors): string[] {
  const { rows } = model;
  if (rows.length === 0) return ['interface', colors.dim('none held yet')];
  const fits = rows.length + 1 <= high;
  const shown = fits ? rows : rows.slice(0, Math.max(0, high - 2));
  const names = columnNames(columns);
  const cells = shown.map((row) => {
    const all = rowCells(row, model.igmpRestarts, colors);
    return names.map((name) => all[name]);
  });
  const lines = tableLines([names.map((name) => colors.dim(name)), ...cells]);
  return fits ? lines : [...lines, colors.dim(`… and ${rows.length - shown.length} more`)];
}

/** Nothing without groups, or where the terminal is too low for them and something of the rest. */
function groupLines(groups: readonly GroupRow[], high: number, colors: Colors): string[] {
  const shown = groups.slice(0, GROUPS_SHOWN);
  const isCut = shown.length < groups.length;
  // An empty line and the head come before them.
  const height = 2 + shown.length + (isCut ? 1 : 0);
  if (shown.length === 0 || height > high) return [];
  const rows = shown.map(({ group, source, interfaces }) => [
    group === '' ? '*' : group,
    source === '' ? '*' : source,
    interfaces.map(interfaceText).join(', '),
  ]);
  const head = ['group', 'source', 'interfaces'].map((name) => colors.dim(name));
  const rest = isCut ? [colors.dim(`… and ${groups.length - shown.length} more`)] : [];
  return ['', ...tableLines([head, ...rows]), ...rest];
}

type ColumnName = 'interface' | 'owner' | 'epoch' | 'since' | 'IGMP';

function columnNames(columns: number): readonly ColumnName[] {
  if (columns >= WIDE) return ['interface', 'owner', 'epoch', 'since', 'IGMP'];
  return columns >= MIDDLE
    ? ['interface', 'owner', 'since', 'IGMP']
    : ['interface', 'owner', 'IGMP'];
}

function rowCells(
  row: Row,
  igmpRestarts: ReadonlyMap<string, number>,
  colors: Colors,
): Record<ColumnName, string> {
  const name = interfaceText(row);
  return {
    interface: name,
    owner: row.owner ? ownerText(row.owner, colors) : colors.dim('free'),
    epoch: row.owner?.epoch ?? '',
    since: row.owner ? timeText(row.owner.since) : '',
    IGMP: row.igmp ? igmpText(row.igmp, igmpRestarts.get(name) ?? 0, colors) : '',
  };
}

function ownerText(owner: Hold, colors: Colors): string {
  const text = `${protocolName(owner.protocolId)} ${sessionText(owner.session)}`;
  return owner.isStale ? colors.red(`${text} stale`) : paintOf(owner.protocolId, colors)(text);
}

function igmpText(igmp: Hold, restarts: number, colors: Colors): string {
  const text = `on ${sessionText(igmp.session)}${igmp.isStale ? ' stale' : ''}`;
  return colors.cyan(restarts === 0 ? text : `${text}, restarted ${restarts}×`);
}

/** A fixed colour for each protocol, also for unknown ones. */
function paintOf(protocolId: number | undefined, colors: Colors): (text: string) => string {
  const paints = [colors.green, colors.magenta, colors.blue, colors.yellow];
  return protocolId === undefined ? colors.dim : (paints[protocolId % paints.length] ?? colors.dim);
}

function changeLines(changes: readonly EventMessage[], columns: number, colors: Colors): string[] {
  const isWide = columns >= MIDDLE;
  const cells = changes.map((event) => [
    colors.dim(`rev ${event.rev}`),
    ...(isWide ? [colors.dim(timeText(event.ts))] : []),
    paintOf(event.protocolId, colors)(event.type),
    eventInterface(event),
    whoText(event),
  ]);
  return cells.length === 0 ? [colors.dim('no changes yet')] : tableLines(cells);
}

/** `hh:mm:ss` in the time zone of this machine. */
function timeText(ts: number): string {
  return new Date(ts).toLocaleTimeString('en-GB');
}
