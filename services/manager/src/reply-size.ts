import {
  encodeMessage,
  type BulkResult,
  type FlowResult,
  type OperationName,
  type RefusalFields,
} from '@mgm/protocol';

/** A bulk reply larger than this does not name the holders. Wire protocol, section 8. */
const NAMED_BYTES_MAX = 256 * 1024;

/** The smallest `max_payload` of NATS that carries every request and, shortened, every reply. */
export const PAYLOAD_MIN = 64 * 1024;
/** From this `max_payload` on, no reply is shortened because of it. */
export const PAYLOAD_AMPLE = NAMED_BYTES_MAX;

/**
 * Encodes a reply in at most `limit` bytes, if necessary without details of bulk refusals, or with new flows to be asked for
 * again. `undefined` if it is larger.
 */
export function encodeReply(reply: object, limit: number): Uint8Array | undefined {
  const bytes = encodeMessage(reply);
  if (!('results' in reply) || !Array.isArray(reply.results)) {
    return bytes.length <= limit ? bytes : undefined;
  }
  if (isOfFlows(reply.results)) {
    return bytes.length <= limit ? bytes : encodeMessage(askedAgain(reply, reply.results, limit));
  }
  if (bytes.length <= Math.min(limit, NAMED_BYTES_MAX)) return bytes;
  const results: readonly BulkResult[] = reply.results;
  for (const shorten of [withoutName, withoutHolder]) {
    const shorter = encodeMessage({ ...reply, results: results.map(shorten) });
    if (shorter.length <= limit) return shorter;
  }
  return undefined;
}

function isOfFlows(results: readonly object[]): results is readonly FlowResult[] {
  return results.some((one) => 'state' in one);
}

/** A flow whose entry does not fit into the reply: asked again, it is known. */
const ASK_AGAIN: FlowResult = { state: 'pending', retryAfterMs: 10 };

/** The reply with as many entries as fit, from the first on. An agent that asks for the others again has the next ones. */
function askedAgain(reply: object, results: readonly FlowResult[], limit: number): object {
  const size = (one: object): number => encodeMessage(one).length;
  const fits = [...results];
  const pending = results.map((one) => ('mfe' in one ? ASK_AGAIN : one));
  let bytes = size({ ...reply, results: pending });
  for (const [at, one] of results.entries()) {
    bytes += size(one) - size(pending[at] ?? one);
    if (bytes > limit) fits[at] = pending[at] ?? one;
  }
  return { ...reply, results: fits };
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

/** Pages of messages end before this size. Membership contract, section 4.5; forwarding contract, section 8.1. */
const MESSAGE_PAGE_BYTES = 512 * 1024 - 1;
const MESSAGE_PAGES: ReadonlySet<OperationName> = new Set(['member.events', 'mailbox', 'fib']);

/** The size at which a page of this operation must end if it has more than one item. */
export function pageBytesMax(operation: OperationName, maxPayload: number): number {
  return MESSAGE_PAGES.has(operation) ? Math.min(maxPayload, MESSAGE_PAGE_BYTES) : maxPayload;
}

/** A `limit` with which a page of a reply may fit; `undefined` if the reply is no page or has one entry. */
export function shorterPage(reply: object, limit: number): number | undefined {
  const fields: Readonly<Record<string, unknown>> = { ...reply };
  const list = LISTS.map((name) => fields[name]).find((value) => Array.isArray(value));
  if (list === undefined || list.length < 2) return undefined;
  const share = limit / encodeMessage(reply).length;
  return Math.max(1, Math.min(list.length - 1, Math.floor(list.length * share * 0.9)));
}
