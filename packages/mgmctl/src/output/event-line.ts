import { isIgmp, type EventMessage, type MembershipEvent } from '@mgm/client';
import { clientText, instantText, interfaceText, settingParts } from '@mgm/protocol';
import { entryText } from './text.ts';
import type { Colors } from './terminal.ts';

/** Causes that repeat the type of the change. */
const PLAIN_CAUSES: ReadonlySet<string> = new Set(['take', 'release']);
/** The length of the longest frequent type, so that columns align. */
const TYPE_WIDTH = 13;
const MEMBERSHIP_TYPE_WIDTH = 6;

/** A change of state as one line: time, revision, type, interface, client, reason. */
export function eventLine(event: EventMessage, colors: Colors): string {
  return [
    colors.dim(`${instantText(event.ts)}  rev ${event.rev}`),
    painterOf(event, colors)(event.type.padEnd(TYPE_WIDTH)),
    ...interfacePart(event),
    ...clientParts(event),
    ...settingParts(event),
    ...reasonParts(event),
  ].join('  ');
}

/** A change of memberships, a line for each: time, revision, type, entry, interface, client, reason. */
export function membershipLines(event: MembershipEvent, colors: Colors): string[] {
  const { first, ts, type, session, countsFor, cause, actor, why, items } = event;
  const paint = type === 'joined' ? colors.green : colors.yellow;
  return items.map(([group, source, ifIndex, nextHop, exclude], at) =>
    [
      colors.dim(`${instantText(ts)}  mrev ${first + at}`),
      paint(type.padEnd(MEMBERSHIP_TYPE_WIDTH)),
      entryText(group, source, exclude),
      `on ${interfaceText({ ifIndex, nextHop })}`,
      ...(session === 0 ? ['static'] : [clientText(event), `session ${session}`]),
      ...(countsFor === session ? [] : [`counts for ${countsFor === 0 ? 'nobody' : countsFor}`]),
      ...(cause === 'member' ? [] : [cause]),
      ...(actor === undefined ? [] : [`by ${actor}`]),
      ...(why === undefined ? [] : [`(${why})`]),
    ].join('  '),
  );
}

function interfacePart({ ifIndex, nextHop }: EventMessage): string[] {
  return ifIndex === undefined ? [] : [interfaceText({ ifIndex, nextHop })];
}

function clientParts({
  protocolId,
  componentId,
  session,
  epoch,
  previous,
}: EventMessage): string[] {
  // Session 0 is an operator.
  if (protocolId === undefined || componentId === undefined || session === 0) return [];
  return [
    clientText({ protocolId, componentId }),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(previous === undefined ? [] : [`after session ${previous}`]),
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
  ];
}

function reasonParts({ cause, actor, why }: EventMessage): string[] {
  return [
    ...(cause === undefined || PLAIN_CAUSES.has(cause) ? [] : [cause]),
    ...(actor === undefined ? [] : [`by ${actor}`]),
    ...(why === undefined ? [] : [`(${why})`]),
  ];
}

function painterOf({ type, protocolId }: EventMessage, colors: Colors): (text: string) => string {
  switch (type) {
    case 'taken':
    case 'igmp-taken':
      return isIgmp(protocolId ?? 0) ? colors.cyan : colors.green;
    case 'released':
    case 'igmp-released':
      return colors.yellow;
    case 'stale':
    case 'expired':
    case 'evicted':
    case 'store-reset':
      return colors.red;
    case 'registered':
    case 'deregistered':
    case 'resumed':
      return colors.blue;
    default:
      // A type that this version does not know.
      return colors.dim;
  }
}
