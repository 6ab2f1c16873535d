import {
  entryNamed,
  epochOf,
  prefixNamed,
  sessionId,
  type Mfe as WireMfe,
  type MfeChange,
  type MfeEndCause,
  type MfeMessage,
  type MfeStats as WireMfeStats,
  type ReportedMfe,
} from '@mgm/protocol';
import type { FibItem, FibMessage, Mfe, MfeFailure, MfeStats } from './generated/arbiter.ts';
import { interfaceOf, nextHopOf } from './names.ts';
import { ScriptReplyError } from './script-values.ts';

const NO_EPOCH = epochOf(0);

/** `MGM_MFE_STATS_1`. */
const ALL_COUNTERS = 2;

/** Counters of each outgoing interface. */
const OIF_COUNTERS = 4;

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

/** A forwarding entry with its counters. `flags` 1 leaves out those that only `MGM_MFE_STATS_1` has. */
export function mfeStatsOf({ mfe, sums }: MfeStats, flags: number): WireMfeStats {
  const { oifs, ...fields } = wireMfe(mfe);
  const [inPkts = 0, inOctets = 0, pktsDifferentIf = 0, queueOverflow = 0, ...others] =
    sums.counters;
  const [uninitMfe = 0, negativeMfe = 0, inDiscards = 0, inHdrErrors = 0] = others;
  return {
    ...fields,
    inPkts,
    inOctets,
    pktsDifferentIf,
    queueOverflow,
    ...(flags === ALL_COUNTERS && {
      uninitMfe,
      negativeMfe,
      inDiscards,
      inHdrErrors,
      totalOutPackets: sums.outPackets,
    }),
    oifs: oifs.map(([ifIndex, nextHop], at) => [
      ifIndex,
      nextHop,
      ...oifCountersAt(sums.oifCounters, at),
    ]),
  };
}

function oifCountersAt(
  counters: readonly number[],
  at: number,
): readonly [ttlTooLow: number, fragNeeded: number, outPackets: number, outDiscards: number] {
  const [ttlTooLow = 0, fragNeeded = 0, outPackets = 0, outDiscards = 0] = counters.slice(
    at * OIF_COUNTERS,
    (at + 1) * OIF_COUNTERS,
  );
  return [ttlTooLow, fragNeeded, outPackets, outDiscards];
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
