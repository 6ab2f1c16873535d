/** The position of a listing between two pages. */
export interface ListingPosition {
  readonly client: number;
  readonly score: number;
  readonly last: string;
  readonly began: number;
}

const START: ListingPosition = { client: 0, score: 0, last: '', began: 0 };
const CURSOR =
  /^([1-9][0-9]{0,15})\.([0-9]{1,16})\.([0-9]{1,16})\.([0-9]{1,10}:[0-9a-f.:]{0,45})?$/;

/** The cursor of a position; opaque to clients. */
export function writeCursor({ client, began, score, last }: ListingPosition): string {
  return `${client}.${began}.${score}.${last}`;
}

/** The position of a cursor, or the start without one. Throws `RangeError` for text that is not a cursor. */
export function readCursor(cursor: string | undefined): ListingPosition {
  if (cursor === undefined) return START;
  const match = CURSOR.exec(cursor);
  if (!match) throw new RangeError('must be a cursor from the page before');
  return {
    client: Number(match[1]),
    began: Number(match[2]),
    score: Number(match[3]),
    last: match[4] ?? '',
  };
}

/** The position of a listing of routes: the last prefix, and its last client. */
interface RoutePosition {
  readonly after: string;
  readonly client: number;
}

const ROUTE_CURSOR = /^([46][0-9a-f]{10,34})\.([0-9]{1,16})$/;

/** The cursor of a position among routes; opaque to clients. */
export function writeRouteCursor({ after, client }: RoutePosition): string {
  return `${after}.${client}`;
}

/** The position of such a cursor, or the start without one. Throws `RangeError` for other text. */
export function readRouteCursor(cursor: string | undefined): RoutePosition {
  if (cursor === undefined) return { after: '', client: 0 };
  const match = ROUTE_CURSOR.exec(cursor);
  if (!match) throw new RangeError('must be a cursor from the page before');
  return { after: match[1] ?? '', client: Number(match[2]) };
}

/** The position of a listing of entries: the last entry, and the slot to go on with if it is not complete. */
interface EntryPosition {
  readonly after: string;
  readonly slot: number;
}

const ENTRY_CURSOR = /^([46][0-9a-f]{0,64}g?)\.([0-9]{1,16})$/;

/** The cursor of a position among entries; opaque to clients. */
export function writeEntryCursor({ after, slot }: EntryPosition): string {
  return `${after}.${slot}`;
}

/** The position of such a cursor, or the start without one. Throws `RangeError` for other text. */
export function readEntryCursor(cursor: string | undefined): EntryPosition {
  if (cursor === undefined) return { after: '', slot: 0 };
  const match = ENTRY_CURSOR.exec(cursor);
  if (!match) throw new RangeError('must be a cursor from the page before');
  return { after: match[1] ?? '', slot: Number(match[2]) };
}

const MFE_CURSOR = /^m\.(4[0-9a-f]{16}|6[0-9a-f]{64})$/;

/** The cursor behind a forwarding entry; opaque to clients. */
export function writeMfeCursor(name: string): string {
  return `m.${name}`;
}

/** The name of such a cursor, or `''` for the start without one. Throws `RangeError` for other text. */
export function readMfeCursor(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const match = MFE_CURSOR.exec(cursor);
  if (!match) throw new RangeError('must be a cursor from the page before');
  return match[1] ?? '';
}

const AGENT_CURSOR = /^a\.([1-9][0-9]{0,15})$/;

/** The cursor behind an agent's session; opaque to clients. */
export function writeAgentCursor(session: number): string {
  return `a.${session}`;
}

/** The session of such a cursor, or 0 for the start without one. Throws `RangeError` for other text. */
export function readAgentCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const match = AGENT_CURSOR.exec(cursor);
  if (!match) throw new RangeError('must be a cursor from the page before');
  return Number(match[1]);
}
