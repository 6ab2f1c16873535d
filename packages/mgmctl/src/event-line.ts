import { isIgmp, type EventMessage } from '@mgm/client';
import type { Colors } from './output.ts';
import { clientText, harmless, instantText, interfaceText } from './words.ts';

/** Causes that say the same as the type of the change. */
const PLAIN_CAUSES: ReadonlySet<string> = new Set(['take', 'release']);
/** As long as the longest type that is met often, so that lines stand under each other. */
const TYPE_WIDTH = 13;

/** A change of state as one line: when, its number, what, where, who, and why. */
export function eventLine(event: EventMessage, colors: Colors): string {
  return [
    colors.dim(`${instantText(event.ts)}  rev ${event.rev}`),
    paintOf(event, colors)(event.type.padEnd(TYPE_WIDTH)),
    ...wherePart(event),
    ...whoParts(event),
    ...whyParts(event),
  ].join('  ');
}

function wherePart({ ifIndex, nextHop }: EventMessage): string[] {
  return ifIndex === undefined ? [] : [interfaceText({ ifIndex, nextHop })];
}

function whoParts({ protocolId, componentId, session, epoch, previous }: EventMessage): string[] {
  if (protocolId === undefined || componentId === undefined) return [];
  return [
    clientText({ protocolId, componentId }),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(previous === undefined ? [] : [`after session ${previous}`]),
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
  ];
}

function whyParts({ cause, actor, why }: EventMessage): string[] {
  return [
    ...(cause === undefined || PLAIN_CAUSES.has(cause) ? [] : [cause]),
    ...(actor === undefined ? [] : [`by ${harmless(actor)}`]),
    ...(why === undefined ? [] : [`(${harmless(why)})`]),
  ];
}

function paintOf({ type, protocolId }: EventMessage, colors: Colors): (text: string) => string {
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
      // Types that are newer than this program.
      return colors.dim;
  }
}
