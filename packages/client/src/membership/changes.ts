import type { InterfaceKey, MemberChangeReply, RefusalFields, WireMap } from '@mgm/protocol';
import { elementRefusal } from '../rpc/messages.ts';
import type { EntryChange } from './refs.ts';

/** The result of adding or deleting a membership. */
export interface MembershipChange {
  /** Whether a membership was created or removed. */
  readonly changed: boolean;
  /** The membership revision of the router after the request, or the last one seen. */
  readonly mrev: number;
  /** FORWARD only: how many forwarding entries the call covered. */
  readonly matched?: number | undefined;
}

/** An element of a request that adds or deletes memberships. */
export interface ChangeItem {
  readonly operation: string;
  readonly key: InterfaceKey;
  readonly entry?: EntryChange | undefined;
  /** Whether it was on record when it was sent. */
  readonly wasOnRecord?: boolean;
}

/** The result of an element. */
export type ChangeResult =
  | { readonly kind: 'done'; readonly change: MembershipChange }
  | { readonly kind: 'refused'; readonly refusal: RefusalFields };

/** The part of a request that names memberships. */
export function entries(items: readonly ChangeItem[]): WireMap {
  const all = items.map(({ key, entry }): [number, string, string, string, number] => [
    key.ifIndex,
    key.nextHop,
    entry?.group ?? '',
    entry?.source ?? '',
    entry?.forward ? 2 : 1,
  ]);
  const [first] = all;
  if (all.length > 1 || !first) return { entries: all };
  const [ifIndex, nextHop, group, source, flags] = first;
  return { ifIndex, nextHop, group, source, flags };
}

/**
 * The result of each element. A bulk reply says how many elements changed something, but not which: an add changes
 * something unless the membership existed, which is what the record of the session knows. Where record and reply disagree,
 * because the store lost memberships meanwhile, every add counts as a change.
 */
export function readChanges(
  items: readonly ChangeItem[],
  { changed, matched, count = 0, failed = [], mrev }: MemberChangeReply,
): (at: number) => ChangeResult {
  if (changed !== undefined) return () => ({ kind: 'done', change: { changed, matched, mrev } });
  const refused = new Map(failed.map((element) => [element[0], element]));
  const done = items.filter((_, at) => !refused.has(at));
  const expected = done.filter(isExpectedToChange).length;
  return (at) => {
    const failure = refused.get(at);
    if (failure) return { kind: 'refused', refusal: elementRefusal(failure) };
    const item = items[at];
    const isChange = count > expected || (item !== undefined && isExpectedToChange(item));
    return { kind: 'done', change: { changed: count > 0 && isChange, mrev } };
  };
}

/** A delete that is not refused has removed something. */
function isExpectedToChange({ operation, wasOnRecord }: ChangeItem): boolean {
  return operation === 'member.delete' || !wasOnRecord;
}
