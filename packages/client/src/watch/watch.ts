import type { Context } from '../rpc/context.ts';
import { EventFeed } from './feed.ts';
import type { Sighting } from './sighting.ts';
import { SightingFilter, type WatchFilter } from './filter.ts';
import { newPlace, snapshotOf, step, syncedAt } from './position.ts';

/** Where to begin, what to tell, and how to end. */
export interface WatchOptions extends WatchFilter {
  /** The revision after which to begin. Default: a snapshot first, and then what follows it. */
  readonly from?: number | undefined;
  /** The log that `from` counts in, where it is known: of another one a snapshot comes instead. */
  readonly log?: string | undefined;
  /** Ends the watch: the iteration is done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * All changes of state of a router, without gaps: pushed ones as they come, missed ones read back. Where the log does not
 * reach back far enough, or the store lost it, a new snapshot says so. Who reads slowly costs no memory: pushes wait up to a
 * bound, and the rest is read from the log. Ends when the signal fires; throws `MgmError` where it can't go on (`closed`,
 * `not-permitted`, `bad-request` for a filter that can't be). While nobody answers it waits.
 */
export async function* watch(
  context: Context,
  options: WatchOptions = {},
): AsyncGenerator<Sighting, void, undefined> {
  const { from, log, signal = new AbortController().signal } = options;
  const filter = new SightingFilter(options, context.router);
  using feed = new EventFeed(context);
  const place = newPlace(feed, signal, from, log);
  while (!signal.aborted) {
    const synced = place.reason === undefined && syncedAt(place);
    if (synced) yield synced;
    const events = synced ? [] : await step(context, place);
    for (const sighting of filter.events(events)) {
      yield sighting;
      if (signal.aborted) return;
    }
    const { listing } = place;
    place.listing = undefined;
    if (listing) yield snapshotOf(listing, filter);
  }
}
