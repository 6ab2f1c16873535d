import { printable } from '@mgm/mgmctl';
import {
  type EventMessage,
  interfaceText,
  type MembershipEvent,
  protocolName,
} from '@mgm/protocol';

/** A change as one line of text: `rev=12 taken ifIndex=3 nextHop=10.0.0.1 protocol=PIM session=2 epoch=…`. */
export function textLine(event: EventMessage): string {
  const { rev, type, ts: _, protocolId, componentId: __, ifIndex, nextHop, ...rest } = event;
  const fields = {
    ifIndex,
    nextHop: nextHop === '' ? undefined : nextHop,
    protocol: protocolId === undefined ? undefined : protocolName(protocolId),
    ...rest,
  };
  const parts = [`rev=${rev}`, type, ...Object.entries(fields).flatMap(fieldText)];
  return printable(parts.join(' '));
}

/** A change of memberships as lines: `mrev=3 joined group=239.1.1.1 ifIndex=1 protocol=IGMP session=2 …`. */
export function membershipLines(event: MembershipEvent): string[] {
  const { first, type, protocolId, session, countsFor, cause, items } = event;
  return items.map(([group, source, ifIndex, nextHop], at) => {
    const fields = {
      group: group === '' ? '*' : group,
      source: source === '' ? undefined : source,
      ifIndex,
      nextHop: nextHop === '' ? undefined : nextHop,
      protocol: protocolName(protocolId),
      ...{ session, countsFor, cause },
    };
    const parts = [`mrev=${first + at}`, type, ...Object.entries(fields).flatMap(fieldText)];
    return printable(parts.join(' '));
  });
}

function fieldText([name, value]: [string, string | number | boolean | undefined]): string[] {
  if (value === undefined) return [];
  const text = String(value);
  // Texts of people may contain anything, also line breaks.
  return [`${name}=${/^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text)}`];
}

/** The interface of an event; `''` for an event without one. */
export function eventInterface({
  ifIndex,
  nextHop,
}: Pick<EventMessage, 'ifIndex' | 'nextHop'>): string {
  return ifIndex === undefined ? '' : interfaceText({ ifIndex, nextHop });
}

/** The last digits of a session's number, which distinguish the sessions of a run. */
export function sessionText(session: number): string {
  return `#${String(session).slice(-SESSION_DIGITS)}`;
}

/** The client of a change, and the cause if the type does not imply it. */
export function whoText(event: EventMessage): string {
  const { protocolId, session, previous, actor, why } = event;
  const who = protocolId === undefined ? '' : protocolName(protocolId);
  const parts = [
    session === undefined ? who : `${who} ${sessionText(session)}`,
    previous === undefined ? '' : `after ${sessionText(previous)}`,
    plainCauses.has(event.cause ?? '') ? '' : (event.cause ?? ''),
    actor === undefined ? '' : `by ${actor}`,
    why === undefined ? '' : `(${why})`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

const SESSION_DIGITS = 5;

/** Causes that repeat the type of the change. */
const plainCauses: ReadonlySet<string> = new Set(['', 'take', 'release']);
