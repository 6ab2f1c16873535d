import { printable } from '@mgm/mgmctl';
import { type EventMessage, protocolName } from '@mgm/protocol';

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

function fieldText([name, value]: [string, string | number | undefined]): string[] {
  if (value === undefined) return [];
  const text = String(value);
  // Texts of people may contain anything, also line breaks.
  return [`${name}=${/^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text)}`];
}

/** `3`, or `3 via 10.0.0.1` if a next hop is named. */
export function interfaceText({
  ifIndex,
  nextHop,
}: Pick<EventMessage, 'ifIndex' | 'nextHop'>): string {
  if (ifIndex === undefined) return '';
  return nextHop === undefined || nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
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
