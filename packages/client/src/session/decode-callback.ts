import { decodeMessage, isEpoch, parseNextHop } from '@mgm/protocol';
import type { CallbackMessage } from '@mgm/protocol';

/** A callback as it arrived. Newer managers may send types that this version does not know. */
export type AnyCallback =
  | { readonly kind: 'known'; readonly seq: number; readonly message: CallbackMessage }
  | { readonly kind: 'unknown'; readonly seq: number; readonly type: string };

/** Room for what a newer manager adds. */
const CALLBACK_BYTES_MAX = 1024 * 1024;
const CALLBACK_NESTING_MAX = 16;

/** A pushed callback, or `undefined` for anything else. */
export function decodeCallback(bytes: Uint8Array): AnyCallback | undefined {
  const decoded = decodeMessage(bytes, CALLBACK_BYTES_MAX, CALLBACK_NESTING_MAX);
  return decoded.kind === 'message' ? readCallback(decoded.value) : undefined;
}

/** A callback out of a push or a mailbox reply; `undefined` where not even its number can be read. */
export function readCallback(value: object): AnyCallback | undefined {
  const { seq, type, ifIndex, nextHop, epoch } = value as Partial<Record<string, unknown>>;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  const isKnown =
    type === 'DISABLE_IGMP' ||
    type === 'ENABLE_IGMP' ||
    (type === 'OWNERSHIP_LOST' && typeof epoch === 'string' && isEpoch(epoch));
  if (!isKnown || !Number.isInteger(ifIndex)) return { kind: 'unknown', seq, type: String(type) };
  const message = { ...value, nextHop: parseNextHop(nextHop) } as CallbackMessage;
  return { kind: 'known', seq, message };
}
