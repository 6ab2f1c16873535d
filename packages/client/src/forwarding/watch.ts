import { entryName, isMfeMessage } from '@mgm/protocol';
import type { Mfe, MfeChange, MfeMessage } from '@mgm/protocol';
import { requestGranted, type Context } from '../rpc/context.ts';
import { decodePushed } from '../rpc/messages.ts';
import { unlessCompacted } from '../rpc/pages.ts';
import { catchUp, follow } from '../watch/follow.ts';
import type { FollowedLog, FollowOptions, Listing, SightingOf } from '../watch/follow.ts';
import { mfePages } from './mfes.ts';

/**
 * An item of a watch of forwarding entries. A snapshot has all of them at the forwarding revision `frev`. An event has up to
 * 256 changes, numbered `first` to `last`.
 */
export type ForwardingSighting = SightingOf<
  { readonly mfes: readonly Mfe[] },
  { readonly frev: number },
  MfeMessage
>;

interface Mfes {
  readonly mfes: readonly Mfe[];
}

/** The largest page of the wire contract. */
const PAGE_ITEMS = 1_000;
/** Pushed messages that wait for earlier ones; each is up to 256 KiB. Further ones are read from the log. */
const BUFFER_MAX = 256;

/**
 * All forwarding entries of a router and their changes, without gaps: see {@link follow}. Throws `MgmError` if it can't
 * continue.
 */
export function watchForwarding(
  context: Context,
  options: FollowOptions = {},
): AsyncGenerator<ForwardingSighting, void, undefined> {
  return follow(context, mfeLog(context), options);
}

function mfeLog(context: Context): FollowedLog<Mfes, { readonly frev: number }, MfeMessage> {
  return {
    subject: (subjects, router) => subjects.mfe(router),
    decode: (bytes) => decodePushed(bytes, isMfeMessage),
    revsOf: ({ first, last }) => ({ first, last }),
    headOf: ({ frev }) => frev,
    isReset: () => false,
    bufferMax: BUFFER_MAX,
    at: (frev) => ({ frev }),
    read: (from, signal) => readFib(context, from, signal),
    list: (signal) => listMfes(context, signal),
  };
}

async function readFib(context: Context, from: number, signal: AbortSignal) {
  const fields = { from, limit: PAGE_ITEMS };
  const page = await unlessCompacted(requestGranted(context, 'fib', fields, { signal }));
  if (page === 'compacted') return page;
  const { changes, head, log } = page;
  return { events: changes, head, log };
}

/**
 * Lists the entries at one revision, although the pages are read while they change. `undefined` if the log was cut or lost
 * meanwhile.
 */
async function listMfes(context: Context, signal: AbortSignal): Promise<Listing<Mfes> | undefined> {
  const listed = new ListedMfes();
  let first: { readonly frev: number; readonly log: string } | undefined;
  for await (const page of mfePages(context, { limit: PAGE_ITEMS, signal })) {
    first ??= page;
    if (page.log !== first.log) return undefined;
    listed.add(page.items, page.frev);
  }
  if (!first) return undefined;
  const begin = { rev: first.frev, log: first.log, ts: 0 };
  const apply = (message: MfeMessage) => listed.apply(message);
  const end = await catchUp(mfeLog(context), begin, apply, signal);
  return end && { ...end, state: { mfes: listed.all() } };
}

/** Pages of a listing in order, and the changes since they were read. */
class ListedMfes {
  readonly #mfes = new Map<string, Mfe>();
  /** Where each page ends, and the revision at which it was read. */
  readonly #pages: { readonly last: string; readonly frev: number }[] = [];

  add(items: readonly Mfe[], frev: number): void {
    for (const mfe of items) this.#mfes.set(entryName(mfe), mfe);
    const last = items.at(-1);
    if (last) this.#pages.push({ last: entryName(last), frev });
  }

  apply({ first, items }: MfeMessage): void {
    for (const [at, change] of items.entries()) this.#change(first + at, change);
  }

  all(): Mfe[] {
    return [...this.#mfes.values()];
  }

  /** A change at or below the revision of the page where its entry is, or would be, is part of that page. */
  #change(number: number, change: MfeChange): void {
    const name = nameOf(change);
    if (number <= this.#frevOf(name)) return;
    const known = this.#mfes.get(name);
    if (known && incarnationOf(change) < known.incarnation) return;
    if (change[0] === 'set') this.#mfes.set(name, change[1]);
    else this.#mfes.delete(name);
  }

  #frevOf(name: string): number {
    let [low, high] = [0, this.#pages.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pages[middle]?.last ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return this.#pages[low]?.frev ?? 0;
  }
}

function nameOf(change: MfeChange): string {
  if (change[0] === 'set') return entryName(change[1]);
  const [, group, source] = change;
  return entryName({ group, source });
}

function incarnationOf(change: MfeChange): number {
  return change[0] === 'set' ? change[1].incarnation : change[3];
}
