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
  return [`rev=${rev}`, type, ...Object.entries(fields).flatMap(fieldText)].join(' ');
}

function fieldText([name, value]: [string, string | number | undefined]): string[] {
  if (value === undefined) return [];
  const text = String(value);
  // What people wrote may hold anything, line breaks too.
  return [`${name}=${/^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text)}`];
}

/** `3`, or `3 via 10.0.0.1` where the interface has several next hops. */
export function interfaceText({
  ifIndex,
  nextHop,
}: Pick<EventMessage, 'ifIndex' | 'nextHop'>): string {
  if (ifIndex === undefined) return '';
  return nextHop === undefined || nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}

/** The end of a session's number tells it from the others that are seen beside it. */
export function sessionText(session: number): string {
  return `#${String(session).slice(-SESSION_DIGITS)}`;
}

/** Who a change is about, and why it came about where that is not plain from its type. */
export function whoText(event: EventMessage): string {
  const { protocolId, session, previous, actor, why } = event;
  const who = protocolId === undefined ? '' : protocolName(protocolId);
  const parts = [
    session === undefined ? who : `${who} ${sessionText(session)}`,
    previous === undefined ? '' : `after ${sessionText(previous)}`,
    plainCauses.has(event.cause ?? '') ? '' : (event.cause ?? ''),
    actor === undefined ? '' : `by ${shown(actor)}`,
    why === undefined ? '' : `(${shown(why)})`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

const SESSION_DIGITS = 5;

/** Causes that say the same as the type of the change. */
const plainCauses: ReadonlySet<string> = new Set(['', 'take', 'release']);

/** Nothing that somebody sent may steer the terminal. */
function shown(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?');
}
