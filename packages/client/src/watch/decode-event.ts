import { decodeMessage } from '@mgm/protocol';
import type { EventMessage, HeadMessage, WireMap } from '@mgm/protocol';

/** Room for what a newer manager adds. */
const EVENT_BYTES_MAX = 1024 * 1024;
const EVENT_NESTING_MAX = 16;

/** A pushed event, or `undefined` for anything else. Types that this version does not know are passed on as they are. */
export function decodeEvent(bytes: Uint8Array): EventMessage | undefined {
  const fields = decode(bytes);
  if (!fields || !isRevision(fields['rev']) || typeof fields['type'] !== 'string') return undefined;
  return fields as unknown as EventMessage;
}

/** A pushed beacon, or `undefined` for anything else. */
export function decodeHead(bytes: Uint8Array): HeadMessage | undefined {
  const fields = decode(bytes);
  if (!fields || !isRevision(fields['rev']) || typeof fields['log'] !== 'string') return undefined;
  return fields as unknown as HeadMessage;
}

function decode(bytes: Uint8Array): WireMap | undefined {
  const decoded = decodeMessage(bytes, EVENT_BYTES_MAX, EVENT_NESTING_MAX);
  return decoded.kind === 'message' ? decoded.value : undefined;
}

function isRevision(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
