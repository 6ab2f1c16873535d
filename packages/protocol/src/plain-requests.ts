import type { WireMap } from './codec.ts';
import { isEpoch, type Epoch, type Handle, type InterfaceKey } from './ids.ts';
import { parseNextHop } from './next-hop.ts';
import { Limits, type OperationName } from './operations.ts';

/**
 * The requests that a manager gets most of (`take`, `release`, `keepalive`), read at once where they are plainly right;
 * `undefined` where there is any doubt, which the schemas then settle, in their words. A test holds both readings to be the
 * same.
 */
export function readPlainly(operation: OperationName, message: unknown): object | undefined {
  const read = READERS.get(operation);
  return read !== undefined && isMap(message) ? read(message) : undefined;
}

const READERS: ReadonlyMap<OperationName, (message: WireMap) => object | undefined> = new Map([
  ['take', readTake],
  ['release', readRelease],
  ['keepalive', readKeepalive],
]);

const U32_MAX = 0xffffffff;

interface Common {
  readonly deadlineMs?: number;
}

interface Change extends Common {
  readonly handle: Handle;
  readonly seq: number;
  readonly ack: number;
  readonly targets: readonly InterfaceKey[];
  readonly bulk: boolean;
}

function readTake(message: WireMap): Change | undefined {
  return message['held'] === undefined ? readChange(message) : undefined;
}

function readRelease(message: WireMap): (Change & { readonly epoch?: Epoch }) | undefined {
  const { epoch } = message;
  const change = readChange(message);
  if (change === undefined || epoch === undefined) return change;
  return typeof epoch === 'string' && isEpoch(epoch) ? { ...change, epoch } : undefined;
}

function readKeepalive(
  message: WireMap,
):
  | (Common & { readonly handle: Handle; readonly ack?: number; readonly mailboxAck?: number })
  | undefined {
  const { handle, ack, mailboxAck, deadlineMs } = message;
  if (!isHandle(handle)) return undefined;
  if (deadlineMs !== undefined && !isInteger(deadlineMs, 0, U32_MAX)) return undefined;
  if (ack !== undefined && !isInteger(ack, 1)) return undefined;
  if (mailboxAck !== undefined && !isInteger(mailboxAck, 0)) return undefined;
  return {
    handle,
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(ack !== undefined && { ack }),
    ...(mailboxAck !== undefined && { mailboxAck }),
  };
}

function readChange(message: WireMap): Change | undefined {
  const { handle, seq, ack, deadlineMs } = message;
  if (!isHandle(handle) || !isInteger(seq, 1) || !isInteger(ack, 1) || ack > seq) return undefined;
  const targets = readTargets(message);
  if (targets === undefined) return undefined;
  const change = { handle, seq, ack, targets, bulk: message['interfaces'] !== undefined };
  if (deadlineMs === undefined) return change;
  return isInteger(deadlineMs, 0, U32_MAX) ? { ...change, deadlineMs } : undefined;
}

function readTargets({
  ifIndex,
  nextHop,
  interfaces,
}: WireMap): readonly InterfaceKey[] | undefined {
  if (interfaces === undefined) {
    const one = readInterface(ifIndex, nextHop);
    return one && [one];
  }
  if (ifIndex !== undefined || nextHop !== undefined || !Array.isArray(interfaces))
    return undefined;
  if (interfaces.length < 1 || interfaces.length > Limits.bulk) return undefined;
  return readPairs(interfaces);
}

function readPairs(pairs: readonly unknown[]): InterfaceKey[] | undefined {
  const keys: InterfaceKey[] = [];
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length < 1 || pair.length > 2) return undefined;
    const key = readInterface(pair[0], pair[1]);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys;
}

function readInterface(ifIndex: unknown, nextHop: unknown): InterfaceKey | undefined {
  if (!isInteger(ifIndex, 1, U32_MAX)) return undefined;
  const parsed = parseNextHop(nextHop);
  return parsed === undefined ? undefined : { ifIndex, nextHop: parsed };
}

function isMap(value: unknown): value is WireMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'string' && Buffer.byteLength(value) <= Limits.handleBytes;
}

function isInteger(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}
