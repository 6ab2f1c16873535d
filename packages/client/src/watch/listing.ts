import {
  holdAfter,
  holdAfterSessionEvent,
  isIgmp,
  roleOfChangedHold,
  sessionOfChangedHolds,
} from '@mgm/protocol';
import type {
  EventMessage,
  Holder,
  InterfaceItem,
  InterfaceKey,
  Revision,
  SessionId,
} from '@mgm/protocol';
import { keyText } from '../interfaces/refs.ts';
import type { Context } from '../rpc/context.ts';
import { interfacePages, readLog, sessionPages } from '../rpc/pages.ts';
import { EVENT_LOG } from './feed.ts';
import { catchUp, type FollowedLog, type Listing } from './follow.ts';

/** The interfaces of a router that are held at one revision. */
interface Held {
  readonly interfaces: readonly InterfaceItem[];
  readonly rev: Revision;
}

/** The log of sessions and ownership, and the holds that it changes. */
export function holdLog(
  context: Context,
): FollowedLog<Held, { readonly rev: number }, EventMessage> {
  return {
    ...EVENT_LOG,
    at: (rev) => ({ rev }),
    read: (from, signal) => readLog(context, from, signal),
    list: (signal) => listHeld(context, signal),
  };
}

/**
 * Lists the held interfaces at one revision, although the pages are read while they change. `undefined` if the log was cut or
 * lost meanwhile.
 */
async function listHeld(context: Context, signal: AbortSignal): Promise<Listing<Held> | undefined> {
  const holds = new RouterHolds();
  let first: { readonly rev: Revision; readonly log: string } | undefined;
  for await (const page of interfacePages(context, { limit: 1_000, signal })) {
    first ??= page;
    if (page.log !== first.log) return undefined;
    for (const item of page.items) holds.list(item);
  }
  if (!first) return undefined;
  let { rev } = first;
  const apply = (event: EventMessage): void => {
    holds.apply(event);
    ({ rev } = event);
  };
  const begin = { ...first, ts: await timeOf(context, rev, signal) };
  const end = await catchUp(holdLog(context), begin, apply, signal);
  if (!end) return undefined;
  if (holds.lacksNames) await learnNames(context, holds, signal);
  return { ...end, state: { interfaces: holds.items(), rev } };
}

async function timeOf(context: Context, rev: Revision, signal: AbortSignal): Promise<number> {
  if (rev === 0) return 0;
  const page = await readLog(context, rev - 1, signal, 1);
  return page === 'compacted' ? 0 : (page.events[0]?.ts ?? 0);
}

/** Events do not contain the names of sessions. */
async function learnNames(
  context: Context,
  holds: RouterHolds,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of sessionPages(context, { limit: 1_000, signal })) {
    for (const { session, name } of page) holds.learnName(session, name);
  }
}

type Hold = Omit<Holder, 'igmp' | 'name' | 'since'> & { readonly since: number | undefined };

interface Holds {
  readonly key: InterfaceKey;
  owner: Hold | undefined;
  igmp: Hold | undefined;
}

/**
 * The holders of all interfaces: a listing, and the events since its beginning. Events that the listing already contains
 * are harmless, because each one states the result.
 */
export class RouterHolds {
  readonly #held = new Map<string, Holds>();
  readonly #names = new Map<SessionId, string>();

  /** An item of a listing. A later one of the same interface replaces it. */
  list(item: InterfaceItem): void {
    const { ifIndex, nextHop, igmp, name, ...own } = item;
    this.#names.set(own.session, name);
    const holds = this.#at({ ifIndex, nextHop });
    const igmpHold = igmp && { ...igmp, since: undefined, stale: false };
    holds.owner = isIgmp(own.protocolId) ? undefined : own;
    holds.igmp = isIgmp(own.protocolId) ? own : igmpHold;
  }

  /** The next event. */
  apply(event: EventMessage): void {
    const { ifIndex, nextHop } = event;
    if (ifIndex === undefined || nextHop === undefined) return this.#applyToSession(event);
    const role = roleOfChangedHold(event);
    if (role === undefined) return;
    const holds = this.#at({ ifIndex, nextHop });
    holds[role] = holdAfter(event);
    if (holds.owner === undefined) showIgmp(holds, event.ts);
  }

  /** Whether an interface is held by a session whose name no listing contained. */
  get lacksNames(): boolean {
    return this.#shown().some(({ session }) => !this.#names.has(session));
  }

  learnName(session: SessionId, name: string): void {
    this.#names.set(session, name);
  }

  /** As a listing would contain them. */
  items(): InterfaceItem[] {
    return [...this.#held.values()].flatMap(({ key, owner, igmp }) => {
      const holder = owner ?? igmp;
      if (!holder) return [];
      const name = this.#names.get(holder.session) ?? '';
      const item = { ...key, ...holder, name, since: holder.since ?? 0 };
      return owner && igmp ? [{ ...item, igmp: igmpHoldOf(igmp) }] : [item];
    });
  }

  #shown(): Hold[] {
    return [...this.#held.values()].flatMap(({ owner, igmp }) => owner ?? igmp ?? []);
  }

  #at(key: InterfaceKey): Holds {
    const text = keyText(key);
    const present = this.#held.get(text) ?? { key, owner: undefined, igmp: undefined };
    this.#held.set(text, present);
    return present;
  }

  #applyToSession(event: EventMessage): void {
    const subject = sessionOfChangedHolds(event);
    if (subject === undefined) return;
    for (const holds of this.#held.values()) {
      if (holds.owner?.session === subject) holds.owner = afterwards(holds.owner, event);
      if (holds.igmp?.session === subject) holds.igmp = afterwards(holds.igmp, event);
      if (holds.owner === undefined) showIgmp(holds, event.ts);
    }
  }
}

/** A hold that is not stale has no grace time. */
function afterwards(hold: Hold, event: EventMessage): Hold | undefined {
  const after = holdAfterSessionEvent(hold, event);
  if (!after || after.stale) return after;
  const { graceLeftMs: _, ...rest } = after;
  return rest;
}

/** The time of an IGMP hold on an owned interface is unknown; it exists since `ts` at the latest. */
function showIgmp(holds: Holds, ts: number): void {
  if (holds.igmp) holds.igmp = { ...holds.igmp, since: holds.igmp.since ?? ts };
}

function igmpHoldOf({ protocolId, componentId, session, epoch }: Hold) {
  return { protocolId, componentId, session, epoch };
}
