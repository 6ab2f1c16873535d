import { addTo } from './add-to.ts';
import {
  type Change,
  changesOf,
  callsOf,
  deadlinesOf,
  type Evidence,
  type Recorded,
} from './evidence.ts';
import type { InterfaceOp } from './interface-model.ts';
import type { Operation } from './linearize.ts';

/**
 * The history of each interface, for the search: calls with their outcomes, and the ends of sessions.
 *
 * As in etcd's robustness tests the event log, which other checks show to be gapless and complete, decides the outcome of calls
 * without a reply: a call whose change is not in the log was not executed, and one whose change is there was executed before the
 * first watcher saw it. So few calls stay open and the search stays short. The order of the log is not used: the search has to
 * find an order that fits the replies.
 */
export function interfaceHistories(evidence: Evidence): Map<number, Operation<InterfaceOp>[]> {
  return new Histories(evidence).build();
}

class Histories {
  readonly #calls: readonly Recorded[];
  readonly #changes: readonly Change[];
  readonly #deadlines: ReadonlyMap<number, number>;
  readonly #found = new Map<number, Operation<InterfaceOp>[]>();
  /** Changes without an answered call, by their kind. */
  readonly #unclaimed = new Map<string, Change[]>();
  /** Takes by session and interface. */
  readonly #takes = new Map<string, Change[]>();
  /** Calls by the session that they begin or end, and by their ids. */
  readonly #callsByKey = new Map<string, Recorded>();
  /** The interfaces that each session was ever on. */
  readonly #places = new Map<number, Set<number>>();

  constructor(evidence: Evidence) {
    this.#calls = callsOf(evidence);
    this.#changes = changesOf(evidence);
    this.#deadlines = deadlinesOf(evidence);
    /** By worker: when the first of its register calls began that have no outcome yet. */
    const unknownSince = new Map<string, number>();
    for (const call of this.#calls) {
      this.#callsByKey.set(`evicted ${call.id}`, call);
      // A refused call ended nothing; of several calls any may have ended the session.
      if (call.op === 'deregister' && call.told.told !== 'refused') {
        const key = `deregistered ${call.session}`;
        const first = this.#callsByKey.get(key) ?? call;
        const returnedMono = Math.max(first.returnedMono, call.returnedMono);
        this.#callsByKey.set(key, { ...first, returnedMono });
      }
      const [worker = ''] = call.id.split('#');
      if (call.op === 'register' && call.told.told === 'unknown') {
        unknownSince.set(worker, unknownSince.get(worker) ?? call.invokedMono);
      }
      if (call.told.told === 'registered') {
        // A worker repeats `register` with the same instance, so an earlier copy without a reply may have been executed.
        const invokedMono = unknownSince.get(worker) ?? call.invokedMono;
        this.#callsByKey.set(`resumed ${call.told.session}`, { ...call, invokedMono });
        unknownSince.delete(worker);
      }
    }
  }

  build(): Map<number, Operation<InterfaceOp>[]> {
    for (const change of this.#changes) this.#place(change);
    this.#dropForced();
    for (const call of this.#calls) this.#answered(call);
    for (const call of this.#calls) this.#unanswered(call);
    for (const change of [...this.#unclaimed.values()].flat()) this.#byItself(change);
    for (const change of this.#changes) this.#ofSession(change);
    this.#resets();
    return this.#found;
  }

  #add(ifIndex: number | undefined, op: InterfaceOp, from: number, to: number): void {
    if (ifIndex === undefined) return;
    const list = this.#found.get(ifIndex) ?? [];
    this.#found.set(ifIndex, list);
    list.push({ op, invokedMono: from, returnedMono: Math.max(from, to) });
  }

  #place(change: Change): void {
    const { type, session = 0, ifIndex, previous } = change.event;
    const places = this.#places.get(session) ?? new Set(this.#places.get(previous ?? 0));
    this.#places.set(session, places);
    if (type.endsWith('taken') && ifIndex !== undefined) places.add(ifIndex);
    const key = claimKey(change);
    if (key !== undefined) addTo(this.#unclaimed, key, change);
    if (type.endsWith('taken')) addTo(this.#takes, `${session} ${ifIndex}`, change);
  }

  /** The change with the epoch of the call, if it was seen late enough; else the first change that was. */
  #claim(key: string, call: Recorded): Change | undefined {
    const waiting = this.#unclaimed.get(key) ?? [];
    const mayBe = ({ seenMono }: Change): boolean => seenMono >= call.invokedMono;
    const named = waiting.findIndex((one) => mayBe(one) && one.event.epoch === call.epoch);
    const at = named >= 0 ? named : waiting.findIndex(mayBe);
    return at < 0 ? undefined : waiting.splice(at, 1)[0];
  }

  /** The releases of a forced deregister precede it in the log; the end of the session covers them. */
  #dropForced(): void {
    for (const [at, { event }] of this.#changes.entries()) {
      if (event.type !== 'deregistered') continue;
      for (let back = at - 1; ; back--) {
        const before = this.#changes[back];
        const isPart = before?.event.ts === event.ts && before.event.session === event.session;
        if (!before || !isPart || before.event.cause !== 'release') break;
        const waiting = this.#unclaimed.get(claimKey(before) ?? '') ?? [];
        waiting.splice(waiting.indexOf(before), 1);
      }
    }
  }

  #isUnclaimed(epoch: string | undefined): boolean {
    return (this.#unclaimed.get(`taken ${epoch}`) ?? []).length > 0;
  }

  #answered(call: Recorded): void {
    const op = opOf(call);
    if (!op) return;
    if (op.kind === 'take' && op.told === 'taken') this.#claim(`taken ${op.epoch}`, call);
    if (op.kind === 'release' && op.told === 'released') this.#claim(releasedBy(call), call);
    if (op.kind === 'admin-release' && op.told === 'released') this.#claim(`why ${call.id}`, call);
    this.#add(call.ifIndex, op, call.invokedMono, call.returnedMono);
  }

  /** Executed if the log has its change. A take without a reply is matched by its session. */
  #unanswered(call: Recorded): void {
    if (call.told.told !== 'unknown') return;
    const { op, session = 0, ifIndex, invokedMono } = call;
    if (op === 'take') {
      const mine = this.#takes
        .get(`${session} ${ifIndex}`)
        ?.find(({ event, seenMono }) => this.#isUnclaimed(event.epoch) && seenMono >= invokedMono);
      if (mine && this.#claim(`taken ${mine.event.epoch}`, call)) this.#took(mine, invokedMono);
    }
    const key = op === 'release' ? releasedBy(call) : `why ${call.id}`;
    const change = op === 'release' || op === 'admin-release' ? this.#claim(key, call) : undefined;
    if (change) this.#gone(change, invokedMono);
  }

  /** Changes that the library makes on its own: it takes again after a loss, and releases abandoned takes. */
  #byItself(change: Change): void {
    if (change.event.type.endsWith('taken')) this.#took(change, -Infinity);
    else this.#gone(change, -Infinity);
  }

  #took({ event, seenMono }: Change, from: number): void {
    const { session = 0, epoch = '', type, ifIndex } = event;
    const place = type === 'igmp-taken' ? 'igmp' : 'owner';
    this.#add(ifIndex, { kind: 'take', session, place, told: 'taken', epoch }, from, seenMono);
  }

  #gone({ event, seenMono }: Change, from: number): void {
    const { session = 0, epoch = '', cause, ifIndex } = event;
    const op: InterfaceOp =
      cause === 'admin'
        ? { kind: 'admin-release', told: 'released', session, epoch }
        : { kind: 'release', session, told: 'released', epoch };
    this.#add(ifIndex, op, from, seenMono);
  }

  #ofSession({ event, seenMono }: Change): void {
    const { type, session = 0, previous = 0, epoch = '', why } = event;
    const everywhere = (of: number, op: InterfaceOp, from: number, to: number): void => {
      for (const ifIndex of this.#places.get(of) ?? []) this.#add(ifIndex, op, from, to);
    };
    const call = this.#callsByKey.get(`${type} ${type === 'evicted' ? why : session}`);
    const from = call?.invokedMono ?? -Infinity;
    const to = Math.min(seenMono, call?.returnedMono ?? Infinity);
    if (type === 'resumed') {
      everywhere(previous, { kind: 'inherit', from: previous, session, epoch }, from, to);
    }
    if (type === 'deregistered' || type === 'evicted') {
      everywhere(session, { kind: 'end', session }, from, to);
    }
    if (type === 'expired') {
      // Not before the session's own deadline, which is earlier than the end of its lease.
      const endsMono = Math.min(this.#deadlines.get(session) ?? -Infinity, seenMono);
      everywhere(session, { kind: 'end', session }, endsMono, seenMono);
    }
  }

  /** The store lost its data between the last change of one log and the first one of the next. */
  #resets(): void {
    for (const [at, change] of this.#changes.entries()) {
      const before = this.#changes[at - 1];
      if (!before || before.log === change.log) continue;
      for (const ifIndex of this.#found.keys()) {
        this.#add(ifIndex, { kind: 'store-reset' }, before.seenMono, change.seenMono);
      }
    }
  }
}

function claimKey({ event }: Change): string | undefined {
  const { type, session, ifIndex, epoch, cause, why } = event;
  if (type.endsWith('taken')) return `taken ${epoch}`;
  if (!type.endsWith('released')) return undefined;
  if (cause === 'release') return `released ${session} ${ifIndex}`;
  return cause === 'admin' ? `why ${why}` : undefined;
}

function releasedBy({ session, ifIndex }: Recorded): string {
  return `released ${session} ${ifIndex}`;
}

/** The outcome of a call as the search sees it, if its reply describes the interface. */
function opOf({
  op,
  session = 0,
  igmp = false,
  epoch = '',
  told,
}: Recorded): InterfaceOp | undefined {
  if (told.told === 'refused' || told.told === 'unknown') return undefined;
  switch (op) {
    case 'take':
      return { kind: 'take', session, place: igmp ? 'igmp' : 'owner', ...told } as InterfaceOp;
    case 'release':
      return { kind: 'release', session, told: told.told } as InterfaceOp;
    case 'owner':
      return { kind: 'owner', ...told } as InterfaceOp;
    case 'validate':
      return { kind: 'validate', ...told, epoch } as InterfaceOp;
    case 'admin-release':
      return { kind: 'admin-release', ...told } as InterfaceOp;
    default:
      return undefined;
  }
}
