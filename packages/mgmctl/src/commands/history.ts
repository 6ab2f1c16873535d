import { isIgmp, isMgmError, type EventMessage, type InterfaceKey, type Mgm } from '@mgm/client';
import type { Command } from 'commander';
import { interfaceText, roleOfChangedHold } from '@mgm/protocol';
import { revision } from '../arguments.ts';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode, NotFoundError } from '../exit-code.ts';
import { nextHopHint } from '../next-hop-hint.ts';
import { eventLine } from '../output/event-line.ts';

const PAGE_ITEMS = 1_000;

export function addHistory(program: Command, { connected }: Runner): void {
  withInterface(program.command('history'))
    .summary('show the changes of an interface')
    .description('Shows the changes of an interface that the log still has. Exit code 4 if none.')
    .option('--from <revision>', 'begin with the changes after this revision', revision)
    .addHelpText('after', examples('history 7', 'history 7 10.0.0.1 --json'))
    .action((...[index, hop, { from }, command]: OnInterface<{ from?: number }>) =>
      connected(command, (context) => history(context, keyOf(index, hop), from)),
    );
}

/** Includes the changes of the sessions on the interface: stale, expired, resumed, evicted. */
async function history(
  { mgm, out, signal }: Context,
  key: InterfaceKey,
  from = 0,
): Promise<ExitCode> {
  const past = new InterfacePast(key);
  const begin = await logBegin(mgm, from, signal);
  if (begin > from) out.note(`the log begins after revision ${begin}`);
  let shown = 0;
  for await (const event of logFrom(mgm, begin, signal)) {
    if (!past.concerns(event)) continue;
    shown += 1;
    if (out.json) out.object(event);
    else out.line(eventLine(event, out.colors));
  }
  if (shown > 0) return ExitCode.ok;
  throw new NotFoundError(`no changes of interface ${interfaceText(key)} in the log`, {
    next: await nextHopHint(mgm, key, signal),
  });
}

/** `from`, or the revision right before the oldest change in the log. */
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

/** Follows one interface through the log. Changes of a session name no interface: they count while it holds this one. */
export class InterfacePast {
  readonly #key: InterfaceKey;
  /** The sessions on the interface: at most one of a routing protocol and one of IGMP. */
  readonly #sessions = new Map<'igmp' | 'owner', number>();

  constructor(key: InterfaceKey) {
    this.#key = key;
  }

  /** Call it once for each change, in the order of revisions. */
  concerns(event: EventMessage): boolean {
    return event.ifIndex === undefined ? this.#ofSession(event) : this.#ofInterface(event);
  }

  #ofInterface(event: EventMessage): boolean {
    const { ifIndex: index, nextHop: hop } = this.#key;
    if (event.ifIndex !== index || event.nextHop !== hop) return false;
    const role = roleOfChangedHold(event);
    if (role === undefined) return true;
    if (event.type.endsWith('taken') && event.session !== undefined)
      this.#sessions.set(role, event.session);
    else this.#sessions.delete(role);
    return true;
  }

  #ofSession({ type, session, previous, protocolId }: EventMessage): boolean {
    if (type === 'store-reset') return true;
    const role = isIgmp(protocolId ?? 0) ? 'igmp' : 'owner';
    const present = this.#sessions.get(role);
    if (present === undefined || session === undefined) return false;
    if (type !== 'resumed') return present === session;
    if (present !== previous) return false;
    this.#sessions.set(role, session);
    return true;
  }
}
