import type { InterfaceItem, Revision, SessionItem } from '@mgm/protocol';
import { absentLeftOut } from './absent.ts';
import { demand, type Context } from './context.ts';
import type { CallOptions } from '../options.ts';

/** How to read a list. */
export interface PageOptions extends CallOptions {
  /** How many to ask for at once: 1 to 1000, default 256. */
  readonly limit?: number | undefined;
}

/** Which interfaces to list. */
export interface InterfaceFilter extends PageOptions {
  /** Only those on which this protocol is. */
  readonly protocolId?: number | undefined;
  /** Only those on which this session is. */
  readonly session?: number | undefined;
}

/** One page of interfaces. */
export interface InterfacePage {
  readonly items: readonly InterfaceItem[];
  /** The revision at which this page was read. A watcher goes on from the `rev` of the first page. */
  readonly rev: Revision;
  /** The log that `rev` counts in. */
  readonly log: string;
}

/** Pages of interfaces, read one by one as they are asked for. */
export async function* interfacePages(
  context: Context,
  { protocolId, session, limit, ...options }: InterfaceFilter = {},
): AsyncGenerator<InterfacePage, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await demand(
      context,
      'interfaces',
      absentLeftOut({ protocolId, session, limit, cursor }),
      options,
    );
    yield { items: page.items, rev: page.rev, log: page.log };
    ({ cursor } = page);
  } while (cursor !== undefined);
}

/** Pages of sessions, read one by one as they are asked for. */
export async function* sessionPages(
  context: Context,
  { limit, ...options }: PageOptions = {},
): AsyncGenerator<readonly SessionItem[], void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await demand(context, 'sessions', absentLeftOut({ limit, cursor }), options);
    yield page.items;
    ({ cursor } = page);
  } while (cursor !== undefined);
}

/** What is in the pages, one by one. */
export async function* flatten<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  for await (const page of pages) yield* itemsOf(page);
}
