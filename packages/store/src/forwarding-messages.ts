import {
  entryNamed,
  epochOf,
  prefixNamed,
  sessionId,
  type Mfe as WireMfe,
  type MfeChange,
  type MfeEndCause,
  type MfeMessage,
  type ReportedMfe,
} from '@mgm/protocol';
import type { FibItem, FibMessage, Mfe, MfeFailure } from './generated/arbiter.ts';
import { interfaceOf, nextHopOf } from './names.ts';
import { ScriptReplyError } from './script-values.ts';

const NO_EPOCH = epochOf(0);

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

/** A forwarding entry as replies carry it, with the failures that agents report. */
export function reportedMfe(mfe: Mfe, failures: readonly MfeFailure[] = []): ReportedMfe {
  if (failures.length === 0) return wireMfe(mfe);
  const failed = failures.map(({ session, reason }) => [session, reason] as const);
  return { ...wireMfe(mfe), failed };
}

/** The field `programmed` of a reply; absent without agents. */
export function programmedUpTo(frev: number): { readonly programmed?: number } {
  return frev < 0 ? {} : { programmed: frev };
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

/** Changes of forwarding entries as managers publish them. */
export function mfeMessage({ first, ts, items }: FibMessage): MfeMessage {
  return { first, last: first + items.length - 1, ts, items: items.map(wireChange) };
}
