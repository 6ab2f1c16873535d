import { encodeMessage, type BulkResult, type RefusalFields } from '@mgm/protocol';

/** A bulk reply larger than this does not name the holders. Wire protocol, section 8. */
const NAMED_BYTES_MAX = 256 * 1024;

/** The smallest `max_payload` of NATS that carries every request and, shortened, every reply. */
export const PAYLOAD_MIN = 64 * 1024;
/** From this `max_payload` on, no reply is shortened because of it. */
export const PAYLOAD_AMPLE = NAMED_BYTES_MAX;

/** Encodes a reply in at most `limit` bytes, if necessary without details of bulk refusals. `undefined` if it is larger. */
export function encodeReply(reply: object, limit: number): Uint8Array | undefined {
  const bytes = encodeMessage(reply);
  if (!('results' in reply) || !Array.isArray(reply.results)) {
    return bytes.length <= limit ? bytes : undefined;
  }
  if (bytes.length <= Math.min(limit, NAMED_BYTES_MAX)) return bytes;
  const results: readonly BulkResult[] = reply.results;
  for (const shorten of [withoutName, withoutHolder]) {
    const shorter = encodeMessage({ ...reply, results: results.map(shorten) });
    if (shorter.length <= limit) return shorter;
  }
  return undefined;
}

/** `message` names the holder, too. */
function withoutName(result: BulkResult): object {
  if (result.status === 0) return result;
  const { message: _, holder, ...refused } = result;
  if (holder === undefined) return refused;
  const { name: __, ...unnamed } = holder;
  return { ...refused, holder: unnamed };
}

function withoutHolder(result: BulkResult): object {
  if (result.status === 0) return result;
  const { message: _, holder: __, ...refused }: RefusalFields = result;
  return refused;
}

/** The fields of replies that are pages, and continue where `cursor` or `head` says. */
const LISTS = ['items', 'events', 'messages', 'changes'] as const;

/** A `limit` with which a page of a reply may fit; `undefined` if the reply is no page or has one entry. */
export function shorterPage(reply: object, limit: number): number | undefined {
  const fields: Readonly<Record<string, unknown>> = { ...reply };
  const list = LISTS.map((name) => fields[name]).find((value) => Array.isArray(value));
  if (list === undefined || list.length < 2) return undefined;
  const share = limit / encodeMessage(reply).length;
  return Math.max(1, Math.min(list.length - 1, Math.floor(list.length * share * 0.9)));
}
