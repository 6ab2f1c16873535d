import { entryName, isMfeMessage } from '@mgm/protocol';
import type { Mfe, MfeChange, MfeMessage } from '@mgm/protocol';
import { isMgmError } from '../errors.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { decodePushed } from '../rpc/messages.ts';
import {
  follow,
  type FollowedLog,
  type FollowOptions,
  type SnapshotPosition,
  type SnapshotReason,
} from '../watch/follow.ts';
import { mfePages } from './mfes.ts';

/** An item of a watch of forwarding entries. */
export type ForwardingSighting =
  /** All forwarding entries at the forwarding revision `frev`; it replaces everything reported before. */
  | {
      readonly kind: 'snapshot';
      readonly reason: SnapshotReason;
      readonly mfes: readonly Mfe[];
      readonly frev: number;
      readonly log: string;
    }
  /**
   * Everything up to `frev` was reported. Once after each snapshot, and once after `from`. A later watch can resume from
   * `frev` and `log`.
   */
  | { readonly kind: 'synced'; readonly frev: number; readonly log: string }
  /** Up to 256 changes, numbered `first` to `last`. The numbers follow each other without gaps, except across a snapshot. */
  | { readonly kind: 'event'; readonly event: MfeMessage };

interface Snapshot extends SnapshotPosition {
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
export async function* watchForwarding(
  context: Context,
  options: FollowOptions = {},
): AsyncGenerator<ForwardingSighting, void, undefined> {
  const source: FollowedLog<MfeMessage, Snapshot> = {
    subject: (subjects, router) => subjects.mfe(router),
    decode: (bytes) => decodePushed(bytes, isMfeMessage),
    revsOf: ({ first, last }) => ({ first, last }),
    headOf: ({ frev }) => frev,
    isReset: () => false,
    bufferMax: BUFFER_MAX,
    read: (from, signal) => readFib(context, from, signal),
    list: (signal) => listMfes(context, signal),
  };
  for await (const one of follow(context, source, options)) {
    if (one.kind === 'event') yield one;
    else if (one.kind === 'synced') yield { kind: 'synced', frev: one.rev, log: one.log };
    else {
      const { mfes, rev: frev, log } = one.listing;
      yield { kind: 'snapshot', reason: one.reason, mfes, frev, log };
    }
  }
}

async function readFib(context: Context, from: number, signal: AbortSignal) {
  try {
    const fields = { from, limit: PAGE_ITEMS };
    const { changes, head, log } = await requestGranted(context, 'fib', fields, { signal });
    return { events: changes, head, log };
  } catch (error) {
    if (isMgmError(error, 'compacted')) return 'compacted';
    throw error;
  }
}

/**
 * Lists the entries at one revision, although the pages are read while they change: the log since the first page, up to its
 * then last change, is applied to the pages. `undefined` if the log was cut or lost meanwhile.
 */
async function listMfes(context: Context, signal: AbortSignal): Promise<Snapshot | undefined> {
  const listed = new ListedMfes();
  let begin: { readonly frev: number; readonly log: string } | undefined;
  for await (const page of mfePages(context, { limit: PAGE_ITEMS, signal })) {
    begin ??= page;
    if (page.log !== begin.log) return undefined;
    listed.add(page.items, page.frev);
  }
  if (!begin) return undefined;
  const { log } = begin;
  let [rev, ts] = [begin.frev, 0];
  for (let target: number | undefined; target === undefined || rev < target;) {
    const page = await readFib(context, rev, signal);
    if (page === 'compacted' || page.log !== log || page.head < rev) return undefined;
    target ??= page.head;
    if (page.events.length === 0 && rev < target) return undefined;
    for (const message of page.events) {
      listed.apply(message);
      ({ last: rev, ts } = message);
    }
  }
  return { mfes: listed.all(), rev, log, ts };
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
