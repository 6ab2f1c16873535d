import { parseGiven, readEntry } from '@mgm/protocol';
import type { Entry, GroupText, InterfaceKey, NextHop, SourceText } from '@mgm/protocol';
import { badRequest, ssmNeedsSource, type ErrorOrigin } from '../errors.ts';
import { interfaceKey, type InterfaceRef } from '../interfaces/refs.ts';

/** Bits of `flags`. JOIN: a membership. FORWARD: an override of forwarding entries. */
export const MemberFlags = { JOIN: 1, FORWARD: 2 } as const;

/** A membership as a caller may name it: an entry on an interface. */
export interface MembershipRef extends InterfaceRef {
  /**
   * An IPv4 or IPv6 multicast address as text, or a u32 for IPv4 in host order. The wildcard, all groups of IPv4: absent,
   * `''`, `0` or `'0.0.0.0'`; of IPv6: `'::'`.
   */
  readonly group?: string | number | undefined;
  /** A unicast address of the group's family. The wildcard, any source: absent, `''`, `0`, `'0.0.0.0'` or `'::'`. */
  readonly source?: string | number | undefined;
  /** 1 JOIN (default), 2 FORWARD; 3 counts as 1. */
  readonly flags?: number | undefined;
}

/** A membership of a session, in canonical text. */
export interface Membership {
  readonly ifIndex: number;
  /** `''` for none. */
  readonly nextHop: NextHop;
  /** `''` is the wildcard of IPv4, `'::'` that of IPv6. */
  readonly group: GroupText;
  /** `''` is the wildcard. */
  readonly source: SourceText;
  /** Of (\*,g): the sources that the session does not want. Absent for none. */
  readonly exclude?: readonly SourceText[];
}

/** What a membership call changes on its interface. */
export interface EntryChange extends Entry {
  readonly forward: boolean;
}

const FLAGS: readonly unknown[] = [undefined, 1, 2, 3];

/**
 * The interface and the entry of a call, in canonical form. Throws {@link MgmError} `bad-request` with the field for an
 * argument that violates wire contract section 12, or `ssm-needs-source`: one wrong element must not fail the other calls
 * of its request.
 */
export function readRef(
  ref: MembershipRef,
  origin: ErrorOrigin,
): { readonly key: InterfaceKey; readonly entry: EntryChange } {
  const key = interfaceKey(ref, origin);
  const at = { ...origin, interface: key };
  const group = parseGiven(ref.group);
  if (!group) throw badRequest(`group: ${ADDRESS}`, 'group', at);
  const source = parseGiven(ref.source);
  if (!source) throw badRequest(`source: ${ADDRESS}`, 'source', at);
  const read = readEntry(group, source);
  if ('fault' in read) {
    const { fault } = read;
    if (fault.refusal === 'badRequest') {
      throw badRequest(`${fault.field}: ${fault.must}`, fault.field, at);
    }
    throw ssmNeedsSource(fault.must, at);
  }
  if (!FLAGS.includes(ref.flags)) {
    throw badRequest('flags: must be 1 (JOIN), 2 (FORWARD) or 3', 'flags', at);
  }
  return { key, entry: { ...read.entry, forward: ref.flags === MemberFlags.FORWARD } };
}

const ADDRESS = 'must be an IPv4 or IPv6 address as text, a u32, or absent';

/** One text per entry, as a key of maps. */
export function entryText({ group, source }: Entry): string {
  return source === '' ? group : `${source},${group}`;
}
