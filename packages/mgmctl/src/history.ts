import { isIgmp, isMgmError, type EventMessage, type InterfaceKey, type Mgm } from '@mgm/client';
import type { Command } from './command.ts';
import { eventLine } from './event-line.ts';
import { ExitCode } from './exit-code.ts';
import { interfaceText } from './words.ts';

/** Which interface, and from where in the log on. */
export interface HistoryOptions extends InterfaceKey {
  readonly from?: number | undefined;
}

const PAGE_ITEMS = 1_000;

/** What the log still tells of one interface, also of the ends and heirs of the sessions that were on it. */
export const history: Command<HistoryOptions> = async ({ mgm, out, signal }, options) => {
  const { ifIndex, nextHop } = options;
  const past = new InterfacePast(ifIndex, nextHop);
  const begin = await logBegin(mgm, options.from ?? 0, signal);
  if (begin > (options.from ?? 0)) out.note(`the log begins after revision ${begin}`);
  let shown = 0;
  for await (const event of logFrom(mgm, begin, signal)) {
    if (!past.concerns(event)) continue;
    shown += 1;
    if (out.json) out.object(event);
    else out.line(eventLine(event, out.colors));
  }
  if (shown > 0) return ExitCode.ok;
  out.note(`the log tells nothing of interface ${interfaceText({ ifIndex, nextHop: nextHop })}`);
  return ExitCode.notFound;
};

/** `from`, or what comes right before the oldest change that the log still has. */
async function logBegin(mgm: Mgm, from: number, signal: AbortSignal): Promise<number> {
  try {
    await mgm.events(from, { limit: 1, signal });
    return from;
  } catch (error) {
    if (isMgmError(error, 'compacted') && error.first !== undefined) return error.first - 1;
    throw error;
  }
}

async function* logFrom(mgm: Mgm, from: number, signal: AbortSignal): AsyncGenerator<EventMessage> {
  let known = from;
  for (;;) {
    const { events, head } = await mgm.events(known, { limit: PAGE_ITEMS, signal });
    yield* events;
    const last = events.at(-1);
    if (!last || last.rev >= head) return;
    known = last.rev;
  }
}

/** Follows one interface through the log. Changes of a session name no interface: they count while it is on this one. */
export class InterfacePast {
  readonly #ifIndex: number;
  readonly #nextHop: string;
  /** The sessions on it, at most one that routes and one of IGMP. */
  readonly #sessions = new Map<'igmp' | 'routing', number>();

  constructor(ifIndex: number, nextHop: string) {
    this.#ifIndex = ifIndex;
    this.#nextHop = nextHop;
  }

  /** To be asked once for each change, in the order of revisions. */
  concerns(event: EventMessage): boolean {
    return event.ifIndex === undefined ? this.#ofSession(event) : this.#ofInterface(event);
  }

  #ofInterface({ ifIndex, nextHop, type, session }: EventMessage): boolean {
    if (ifIndex !== this.#ifIndex || nextHop !== this.#nextHop) return false;
    const role = type.startsWith('igmp-') ? 'igmp' : 'routing';
    if (type.endsWith('taken') && session !== undefined) this.#sessions.set(role, session);
    else this.#sessions.delete(role);
    return true;
  }

  #ofSession({ type, session, previous, protocolId }: EventMessage): boolean {
    if (type === 'store-reset') return true;
    const role = isIgmp(protocolId ?? 0) ? 'igmp' : 'routing';
    const present = this.#sessions.get(role);
    if (present === undefined || session === undefined) return false;
    if (type !== 'resumed') return present === session;
    if (present !== previous) return false;
    this.#sessions.set(role, session);
    return true;
  }
}
