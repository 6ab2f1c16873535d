import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import type { Context } from '../rpc/context.ts';
import { readLog } from './log-page.ts';
import { interfacePages, sessionPages } from '../rpc/pages.ts';
import { RouterHolds } from './holds.ts';

/** All interfaces that somebody is on, at one revision. */
export interface Listing extends Moment {
  readonly interfaces: readonly InterfaceItem[];
}

interface Moment {
  readonly rev: Revision;
  readonly log: string;
  /** When the change of this revision was, in ms on the store's clock; 0 where the log does not tell. */
  readonly ts: number;
}

/**
 * Lists a router as it is at one revision, although its pages are read while it changes: the changes since the first page, up to
 * the end that the log has then, are applied to what the pages say. `undefined` where the log was cut or lost meanwhile.
 */
export async function listAtOneRevision(
  context: Context,
  signal: AbortSignal,
): Promise<Listing | undefined> {
  const holds = new RouterHolds();
  let first: { readonly rev: Revision; readonly log: string } | undefined;
  for await (const page of interfacePages(context, { limit: 1_000, signal })) {
    first ??= page;
    if (page.log !== first.log) return undefined;
    for (const item of page.items) holds.list(item);
  }
  if (!first) return undefined;
  const end = await apply(context, holds, first, signal);
  if (!end) return undefined;
  if (holds.lacksNames) await learnNames(context, holds, signal);
  return { interfaces: holds.items(), ...end };
}

async function apply(
  context: Context,
  holds: RouterHolds,
  begin: { readonly rev: Revision; readonly log: string },
  signal: AbortSignal,
): Promise<Moment | undefined> {
  let { rev } = begin;
  let ts = await timeOf(context, rev, signal);
  for (let target: number | undefined; target === undefined || rev < target;) {
    const page = await readLog(context, rev, signal);
    if (page === 'compacted' || page.log !== begin.log || page.head < rev) return undefined;
    target ??= page.head;
    const last: EventMessage | undefined = page.events.at(-1);
    if (!last && rev < target) return undefined;
    for (const event of page.events) holds.apply(event);
    if (last) ({ rev, ts } = last);
  }
  return { rev, log: begin.log, ts };
}

async function timeOf(context: Context, rev: Revision, signal: AbortSignal): Promise<number> {
  if (rev === 0) return 0;
  const page = await readLog(context, rev - 1, signal, 1);
  return page === 'compacted' ? 0 : (page.events[0]?.ts ?? 0);
}

/** Events name no names. */
async function learnNames(
  context: Context,
  holds: RouterHolds,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of sessionPages(context, { limit: 1_000, signal })) {
    for (const { session, name } of page) holds.learnName(session, name);
  }
}
