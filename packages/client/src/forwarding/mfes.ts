import type { AgentItem, MfeStats, ReportedMfe } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import { omitUndefined, type CallOptions } from '../options.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { pagesOf, type PageOptions } from '../rpc/pages.ts';

/** A forwarding entry as a caller may name it: one exact (s,g). */
export interface MfeRef {
  /** An IPv4 or IPv6 multicast address as text, or a u32 for IPv4 in host order. No wildcard. */
  readonly group: string | number;
  /** A unicast address of the group's family. No wildcard. */
  readonly source: string | number;
}

/** Which forwarding entries to list. */
export interface MfeFilter extends PageOptions {
  /** Begin after this (s,g), in the order of the listing. There need not be an entry for it. */
  readonly after?: MfeRef | undefined;
}

/** One page of forwarding entries. */
export interface MfePage {
  readonly items: readonly ReportedMfe[];
  /** The forwarding revision at which the page was read. */
  readonly frev: number;
  /** The log that `frev` belongs to. */
  readonly log: string;
  /** The lowest revision up to which an agent has programmed its forwarding plane. Absent without agents. */
  readonly programmed?: number;
}

/** Which counters to read. */
export interface MfeStatsOptions {
  /**
   * 1: those of `MGM_MFE_STATS_0`, without `uninitMfe`, `negativeMfe`, `inDiscards`, `inHdrErrors` and `totalOutPackets`; 2, the
   * default: all, as `MGM_MFE_STATS_1`.
   */
  readonly flags?: 1 | 2 | undefined;
}

/** One page of forwarder agents. */
export interface AgentPage {
  readonly agents: readonly AgentItem[];
  /** The forwarding revision when the page was read: an agent whose own one is lower is behind. */
  readonly frev: number;
  /** The log that `frev` belongs to. */
  readonly log: string;
}

/** What to set of a forwarding entry; what is absent stays as it is. */
export interface MfeSettings extends MfeRef {
  /** The upstream router, `''` for none. A later change of the route does not replace it. */
  readonly upstream?: string | number | undefined;
  /**
   * The life of the entry from its creation, in ms: 1000 to 86400000; 0 as if absent. A time that is already over deletes the
   * entry. Needs `incarnation`.
   */
  readonly timeoutMs?: number | undefined;
  /** Refused unless it is the present incarnation. */
  readonly incarnation?: number | undefined;
  /** Refused unless the session holds the incoming interface under this epoch. */
  readonly epoch?: string | undefined;
}

/** Rejects with `MgmError` `not-found` if there is none. */
export async function getMfe(
  context: Context,
  { group, source }: MfeRef,
  options: CallOptions,
): Promise<ReportedMfe> {
  const { mfe } = await requestGranted(context, 'mfe.get', { group, source }, options);
  return mfe;
}

/** Pages of forwarding entries; each is requested when the previous one was consumed. */
export async function* mfePages(
  context: Context,
  { after, limit, ...options }: MfeFilter = {},
): AsyncGenerator<MfePage, void, undefined> {
  const read = (cursor: string | undefined) => {
    const fields = { ...positionOf(after, cursor), ...omitUndefined({ limit }) };
    return requestGranted(context, 'mfe.list', fields, options);
  };
  for await (const { items, frev, log, programmed } of pagesOf(read)) {
    yield { items, frev, log, ...omitUndefined({ programmed }) };
  }
}

/** Rejects with `MgmError` `not-found` if there is no entry. */
export async function getMfeStats(
  context: Context,
  { group, source }: MfeRef,
  { flags, ...options }: MfeStatsOptions & CallOptions,
): Promise<MfeStats> {
  const fields = { group, source, ...omitUndefined({ flags }) };
  const { stats } = await requestGranted(context, 'mfe.stats', fields, options);
  if (stats === undefined) throw badStats(context, 'stats');
  return stats;
}

/** The counters of forwarding entries, one by one; pages are requested as they are consumed. */
export async function* mfeStats(
  context: Context,
  { after, limit, flags, ...options }: MfeStatsOptions & MfeFilter = {},
): AsyncGenerator<MfeStats, void, undefined> {
  const read = (cursor: string | undefined) => {
    const fields = { ...positionOf(after, cursor), ...omitUndefined({ limit, flags }) };
    return requestGranted(context, 'mfe.stats', fields, options);
  };
  for await (const { items } of pagesOf(read)) {
    if (items === undefined) throw badStats(context, 'items');
    yield* items;
  }
}

/** Where a page begins: `after` is for the first one. */
function positionOf(
  after: MfeRef | undefined,
  cursor: string | undefined,
): { readonly cursor?: string; readonly after?: readonly unknown[] } {
  if (cursor !== undefined) return { cursor };
  return after === undefined ? {} : { after: [after.group, after.source] };
}

function badStats({ router }: Context, field: string): MgmError {
  const origin = { operation: 'mfe.stats', router } as const;
  const message = `got an invalid reply: it has no \`${field}\``;
  return new MgmError(message, { ...origin, reason: 'bad-reply', outcome: 'not-done' });
}

/** Pages of forwarder agents; each is requested when the previous one was consumed. */
export async function* agentPages(
  context: Context,
  { limit, ...options }: PageOptions = {},
): AsyncGenerator<AgentPage, void, undefined> {
  const read = (cursor: string | undefined) =>
    requestGranted(context, 'agents', omitUndefined({ limit, cursor }), options);
  for await (const { items, frev, log } of pagesOf(read)) yield { agents: items, frev, log };
}
