import {
  decodeMessage,
  isCallbackMessage,
  isEventMessage,
  isHeadMessage,
  isSessionLostMessage,
} from '@mgm/protocol';
import type {
  CallbackMessage,
  EventMessage,
  HeadMessage,
  SessionLostCallback,
  WireMap,
} from '@mgm/protocol';

/** A decoded callback. Newer managers may send types that this version does not know. */
export type AnyCallback =
  | { readonly kind: 'known'; readonly seq: number; readonly message: CallbackMessage }
  | { readonly kind: 'unknown'; readonly seq: number; readonly type: string };

/** Room for fields of newer managers. */
const BYTES_MAX = 1024 * 1024;
const NESTING_MAX = 16;

/** A callback that is pushed only, because the mailbox of its session is gone. */
interface SessionLost {
  readonly kind: 'session-lost';
  readonly message: SessionLostCallback;
}

/** A pushed callback, or `undefined` for any other message. */
export function decodeCallback(bytes: Uint8Array): AnyCallback | SessionLost | undefined {
  const fields = decode(bytes);
  if (isSessionLostMessage(fields)) return { kind: 'session-lost', message: fields };
  return fields && readCallback(fields);
}

/** A callback of a push or a mailbox reply; `undefined` if it has no valid number. */
export function readCallback(value: object): AnyCallback | undefined {
  const { seq, type } = value as Partial<Record<string, unknown>>;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  if (isCallbackMessage(value)) return { kind: 'known', seq, message: value };
  return { kind: 'unknown', seq, type: String(type) };
}

/** A pushed event, or `undefined` for any other message. Unknown types of newer managers are passed through. */
export function decodeEvent(bytes: Uint8Array): EventMessage | undefined {
  const fields = decode(bytes);
  return isEventMessage(fields) ? fields : undefined;
}

/** A pushed head, or `undefined` for any other message. */
export function decodeHead(bytes: Uint8Array): HeadMessage | undefined {
  const fields = decode(bytes);
  return isHeadMessage(fields) ? fields : undefined;
}

function decode(bytes: Uint8Array): WireMap | undefined {
  const decoded = decodeMessage(bytes, BYTES_MAX, NESTING_MAX);
  return decoded.kind === 'message' ? decoded.value : undefined;
}
