import type { InterfaceItem, Revision, SessionItem } from '@mgm/protocol';
import { isMgmError } from '../errors.ts';
import { omitUndefined, type CallOptions } from '../options.ts';
import { backoffMs, pause } from './clock.ts';
import { requestGranted, type Context } from './context.ts';
import type { Success } from './messages.ts';

/** Limits of a listing; they hold for each page. */
export interface PageOptions extends CallOptions {
  /** Items per page: 1 to 1000, default 256. */
  readonly limit?: number | undefined;
}

/** Which interfaces to list. */
export interface InterfaceFilter extends PageOptions {
  /** Only interfaces held by this protocol. */
  readonly protocolId?: number | undefined;
  /** Only interfaces held by this session. */
  readonly session?: number | undefined;
}

/** One page of interfaces. */
export interface InterfacePage {
  readonly items: readonly InterfaceItem[];
  /** The revision at which this page was read. A watcher resumes from the `rev` of the first page. */
  readonly rev: Revision;
  /** The log that `rev` belongs to. */
  readonly log: string;
}

/** The pages of a listing from its beginning; each is requested when the previous one was consumed. */
export async function* pagesOf<Page extends { readonly cursor?: string | undefined }>(
  read: (cursor: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield page;
    ({ cursor } = page);
  } while (cursor !== undefined);
}

/** Pages of interfaces; each is requested when the previous one was consumed. */
export async function* interfacePages(
  context: Context,
  { protocolId, session, limit, ...options }: InterfaceFilter = {},
): AsyncGenerator<InterfacePage, void, undefined> {
  const read = (cursor: string | undefined) => {
    const fields = omitUndefined({ protocolId, session, limit, cursor });
    return requestGranted(context, 'interfaces', fields, options);
  };
  for await (const { items, rev, log } of pagesOf(read)) yield { items, rev, log };
}

/** Pages of sessions; each is requested when the previous one was consumed. */
export async function* sessionPages(
  context: Context,
  { limit, ...options }: PageOptions = {},
): AsyncGenerator<readonly SessionItem[], void, undefined> {
  const read = (cursor: string | undefined) =>
    requestGranted(context, 'sessions', omitUndefined({ limit, cursor }), options);
  for await (const { items } of pagesOf(read)) yield items;
}

/** The items of all pages, one by one. */
export async function* flatten<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  for await (const page of pages) yield* itemsOf(page);
}

/** The largest page of the wire contract: a reader of the log usually has much to catch up with. */
const LOG_PAGE_ITEMS = 1_000;

/** The events after a revision; `compacted` if the log begins later. */
export async function readLog(
  context: Context,
  from: number,
  signal: AbortSignal,
  limit = LOG_PAGE_ITEMS,
): Promise<Success<'events'> | 'compacted'> {
  return await unlessCompacted(requestGranted(context, 'events', { from, limit }, { signal }));
}

/** `compacted` where the log begins later than what was to be read. */
export async function unlessCompacted<Page>(read: Promise<Page>): Promise<Page | 'compacted'> {
  try {
    return await read;
  } catch (error) {
    if (isMgmError(error, 'compacted')) return 'compacted';
    throw error;
  }
}

/**
 * Repeats a listing until a manager answers; `undefined` if it is refused, which is logged as `failed`, or if the signal fires.
 */
export async function listPatiently<Result>(
  { clock, router, logger }: Context,
  list: () => Promise<Result>,
  failed: string,
  signal: AbortSignal,
): Promise<Result | undefined> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await list();
    } catch (error) {
      if (!isMgmError(error)) throw error;
      if (!error.retryable) {
        if (!signal.aborted) logger.warn({ router, err: error }, failed);
        return undefined;
      }
      await pause(clock, backoffMs(attempt, error.retryAfterMs), signal);
    }
  }
  return undefined;
}
