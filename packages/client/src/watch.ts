import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import { demand, type Context } from './context.ts';
import { isMgmError } from './errors.ts';
import { EventFeed } from './event-feed.ts';
import { interfacePages } from './reads.ts';
import type { Success } from './replies.ts';
import { isAnotherLog } from './store-log.ts';

/** Where to begin, and how to end. */
export interface WatchOptions {
  /** The revision after which to begin. Default: a snapshot first, and then what follows it. */
  readonly from?: number | undefined;
  /** Ends the watch: the iteration is done. */
  readonly signal?: AbortSignal | undefined;
}

/** What a watcher sees. */
export type Sighting =
  /** All interfaces that somebody is on: what was known before is void. `event`s follow from `rev` on. */
  | {
      readonly kind: 'snapshot';
      readonly interfaces: readonly InterfaceItem[];
      readonly rev: Revision;
      readonly log: string;
    }
  /** One change of state. Revisions follow each other without gaps, except across a snapshot. */
  | { readonly kind: 'event'; readonly event: EventMessage };

/** How long an event may be overtaken by the one after it before the log is read. */
const OVERTAKEN_MS = 50;
/** How long to be content with silence; a router with live sessions has a beacon every second. */
const SILENCE_MS = 30_000;

/**
 * All changes of state of a router, without gaps: pushed ones as they come, missed ones read back. Where the log does not
 * reach back far enough, or the store lost it, a new snapshot says so. Ends when the signal fires; throws `MgmError` where
 * it can't go on (`closed`, `not-permitted`). While nobody answers it waits.
 */
export async function* watch(
  context: Context,
  { from, signal = new AbortController().signal }: WatchOptions = {},
): AsyncGenerator<Sighting, void, undefined> {
  using feed = new EventFeed(context);
  const place: Place = { feed, log: undefined, signal };
  let isPlaced = from !== undefined;
  if (from !== undefined) feed.goOnFrom(from);
  while (!signal.aborted) {
    const next = isPlaced ? feed.take() : undefined;
    if (next) {
      yield { kind: 'event', event: next };
      continue;
    }
    const found = await orWait(place, () =>
      isPlaced ? more(context, place) : snap(context, place),
    );
    if (found === 'lost') isPlaced = false;
    else if (found) isPlaced = true;
    if (found && found !== 'lost') yield* found;
  }
}

/** How far the watch got. */
interface Place {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** The log that was read last. */
  log: string | undefined;
}

async function snap(context: Context, place: Place): Promise<Sighting[]> {
  place.feed.startOver();
  const interfaces: InterfaceItem[] = [];
  let first: { readonly rev: Revision; readonly log: string } | undefined;
  for await (const page of interfacePages(context, { limit: 1_000, signal: place.signal })) {
    first ??= page;
    interfaces.push(...page.items);
  }
  if (!first) return [];
  const { rev, log } = first;
  place.log = log;
  place.feed.goOnFrom(rev);
  return [{ kind: 'snapshot', interfaces, rev, log }];
}

/** What follows and is not here yet: waits for it, or reads it. `lost` where the log has no such place. */
async function more(context: Context, place: Place): Promise<Sighting[] | 'lost' | undefined> {
  const { feed, signal } = place;
  let mustRead = feed.settleDoubt(place.log) || place.log === undefined;
  if (!mustRead) {
    const hadGap = feed.hasGap;
    await feed.news(hadGap ? OVERTAKEN_MS : SILENCE_MS, signal);
    mustRead = hadGap;
  }
  return mustRead ? await read(context, place) : undefined;
}

async function read(context: Context, place: Place): Promise<Sighting[] | 'lost'> {
  const { feed, signal } = place;
  const page = await eventsAfter(context, feed.position, signal);
  if (!page || isAnotherLog(place.log, page.log) || page.head < feed.position) return 'lost';
  place.log = page.log;
  const last = page.events.at(-1);
  if (last) feed.goOnFrom(last.rev);
  return page.events.map((event) => ({ kind: 'event', event }));
}

async function eventsAfter(
  context: Context,
  from: number,
  signal: AbortSignal,
): Promise<Success<'events'> | undefined> {
  try {
    return await demand(context, 'events', { from }, { signal });
  } catch (error) {
    if (isMgmError(error, 'compacted')) return undefined;
    throw error;
  }
}

/** Nobody there to answer, for now: nothing was found. The calls have waited long enough already. */
async function orWait<Found>(
  { signal }: Place,
  look: () => Promise<Found>,
): Promise<Found | undefined> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted || (isMgmError(error) && error.retryable)) return undefined;
    throw error;
  }
}
