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
