import {
  entryNamed,
  epochOf,
  prefixNamed,
  sessionId,
  type Mfe as WireMfe,
  type MfeChange,
  type MfeEndCause,
  type MfeMessage,
} from '@mgm/protocol';
import type { FibReport } from './batch-reply.ts';
import type { FibItem, Mfe } from './generated/arbiter.ts';
import { interfaceOf, nextHopOf } from './names.ts';
import { ScriptReplyError } from './script-values.ts';

const NO_EPOCH = epochOf(0);

/** A push has at most this many items. */
const ITEMS_MAX = 256;

/** A push is below 256 KiB: an item grows to about its text and this much more. */
const BYTES_MAX = 200_000;
const ITEM_BYTES = 400;

/** A forwarding entry as messages carry it. */
export function wireMfe(mfe: Mfe): WireMfe {
  const { name, iif, epoch, protocolId, session, neighbour, prefix, routeProtocol } = mfe;
  const { incarnation, upMs, expiresInMs, timeoutMs, oifs, oifCount, alerted } = mfe;
  return {
    ...entryNamed(name),
    incarnation,
    ifIndex: iif?.ifIndex ?? 0,
    nextHop: iif?.nextHop ?? nextHopOf(''),
    iifEpoch: epoch ?? NO_EPOCH,
    protocolId,
    session: session === 0 ? 0 : sessionId(session),
    ...(prefix !== undefined && {
      upstream: nextHopOf(neighbour),
      route: { ...prefixNamed(prefix), protocolId: routeProtocol },
    }),
    upMs,
    expiresInMs,
    timeoutMs,
    oifs: oifs === '' ? [] : oifs.split(',').map(interfacePair),
    oifCount,
    foreignAlerted: alerted,
  };
}

function interfacePair(name: string): WireMfe['oifs'][number] {
  const { ifIndex, nextHop } = interfaceOf(name);
  return [ifIndex, nextHop];
}

function wireChange({ kind, name, incarnation, cause, mfe }: FibItem): MfeChange {
  if (mfe !== undefined) return ['set', wireMfe(mfe)];
  const { group, source } = entryNamed(name);
  if (kind === 'del' && isEndCause(cause)) return ['del', group, source, incarnation, cause];
  throw new ScriptReplyError(`undeclared change ${kind} of a forwarding entry`);
}

function isEndCause(cause: string): cause is MfeEndCause {
  return cause === 'timeout' || cause === 'route' || cause === 'iif-moved';
}

/** The changes of a batch as messages of bounded size. */
export function* mfeMessages({ first, items }: FibReport, ts: number): Generator<MfeMessage> {
  let start = 0;
  while (start < items.length) {
    const end = endOfMessage(items, start);
    const changes = items.slice(start, end).map(wireChange);
    yield { first: first + start, last: first + end - 1, ts, items: changes };
    start = end;
  }
}

/** Where the message ends that begins at an item; it has at least one. */
function endOfMessage(items: readonly FibItem[], start: number): number {
  let bytes = 0;
  let end = start;
  while (end < items.length && end - start < ITEMS_MAX) {
    bytes += (items[end]?.mfe?.oifs.length ?? 0) + ITEM_BYTES;
    if (end > start && bytes > BYTES_MAX) break;
    end++;
  }
  return end;
}
