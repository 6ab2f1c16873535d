import {
  entryNamed,
  sourcesIn,
  type AlertMessage,
  type EntryItem,
  type MembershipCause,
  type MembershipEvent,
  type MembershipEventType,
  type MembershipItem,
  type MfeJoinItem,
  type MfePruneItem,
  type PruneItem,
} from '@mgm/protocol';
import type { AlertRun, MemberRun } from './generated/arbiter.ts';
import { interfaceOf, NO_SESSION } from './names.ts';
import { ScriptReplyError } from './script-values.ts';

/** Lists of items in one text, between commas; the parts of an item between spaces: see lua/lib/alerts.lua. */
export function itemsOf<Item>(text: string, one: (parts: readonly string[]) => Item): Item[] {
  return text === '' ? [] : text.split(',').map((item) => one(item.split(' ')));
}

function entryItem([name = '']: readonly string[]): EntryItem {
  const { group, source } = entryNamed(name);
  return [group, source];
}

function membershipItem(parts: readonly string[]): MembershipItem {
  const [name = '', , list] = parts;
  if (list === undefined) return onInterface(parts);
  return [...onInterface(parts), sourcesIn(list, name.startsWith('6') ? 6 : 4)];
}

/** The entry and interface of an item that has further parts. */
function onInterface([name = '', on = '']: readonly string[]) {
  const { group, source } = entryNamed(name);
  const { ifIndex, nextHop } = interfaceOf(on);
  return [group, source, ifIndex, nextHop] as const;
}

function pruneItem(parts: readonly string[]): PruneItem {
  const [, , covered] = parts;
  return [...onInterface(parts), covered === '1'];
}

function mfeJoinItem([name = '', incarnation = '']: readonly string[]): MfeJoinItem {
  return [...entryItem([name]), Number(incarnation)];
}

function mfePruneItem(parts: readonly string[]): MfePruneItem {
  const [, , incarnation] = parts;
  return [...onInterface(parts), Number(incarnation)];
}

/** The event of a run: consecutive changes of memberships that differ only in entry and interface. */
export function membershipEventOf(run: MemberRun, ts: number): MembershipEvent {
  const { first, session, protocolId, componentId, countsFor, actor, why } = run;
  const items = itemsOf(run.items, membershipItem);
  return {
    first,
    mrev: first + items.length - 1,
    ts,
    type: run.type as MembershipEventType,
    session: session ?? NO_SESSION,
    protocolId,
    componentId,
    countsFor: countsFor ?? NO_SESSION,
    cause: run.cause as MembershipCause,
    ...(actor !== undefined && { actor }),
    ...(why !== undefined && { why }),
    items,
  };
}

function noItem(seq: number): never {
  throw new ScriptReplyError(`callback ${seq} has no item`);
}

/** An alert without its number in a mailbox. */
export type AlertBody = Pick<AlertRun, 'type' | 'cause' | 'window' | 'mrev' | 'items' | 'frev'>;

/** An alert as a message to a client that has this number for it in its mailbox. */
export function alertMessage(alert: AlertBody, seq: number, ts: number): AlertMessage {
  const { mrev, items } = alert;
  const cause = alert.cause as MembershipCause;
  switch (alert.type) {
    case 'JOIN_ALERT':
      return {
        seq,
        type: alert.type,
        ts,
        memberUpdate: true,
        items: itemsOf(items, entryItem),
        mrev,
        cause,
      };
    case 'PRUNE_ALERT': {
      const { window } = alert;
      const pruned = itemsOf(items, pruneItem);
      return {
        seq,
        type: alert.type,
        ts,
        memberDelete: true,
        items: pruned,
        mrev,
        cause,
        ...(window && { window }),
      };
    }
    case 'JOIN_FALSE': {
      const { frev } = alert;
      const joined = itemsOf(items, mfeJoinItem);
      const fields = { seq, type: 'JOIN_ALERT', ts, memberUpdate: false } as const;
      return { ...fields, items: joined, mrev, frev, cause };
    }
    case 'PRUNE_FALSE': {
      const { frev } = alert;
      const pruned = itemsOf(items, mfePruneItem);
      const fields = { seq, type: 'PRUNE_ALERT', ts, memberDelete: false } as const;
      return { ...fields, items: pruned, mrev, frev, cause };
    }
    case 'LOCAL_JOIN':
    case 'LOCAL_LEAVE':
      return { seq, type: alert.type, ts, items: itemsOf(items, membershipItem), mrev, cause };
    case 'LOCAL_UPDATE': {
      const [[group, source, ifIndex, nextHop, exclude = []] = noItem(seq)] = itemsOf(
        items,
        membershipItem,
      );
      const updated = { update: true, mode: 'exclude', exclude } as const;
      const changed = [[group, source, ifIndex, nextHop]] as const;
      return { seq, type: 'LOCAL_JOIN', ts, items: changed, mrev, cause, ...updated };
    }
    case 'RESYNC':
      return { seq, type: alert.type, ts, mrev };
    default:
      throw new ScriptReplyError(`callback ${seq}: undeclared ${alert.type}`);
  }
}
