import { encodeMessage } from '@mgm/protocol';
import type { Reply, Request, RouterName, Subjects, WrongIfHint } from '@mgm/protocol';
import type { Caller, RequestTrace, Store } from '@mgm/store';
import type { Bus } from './bus.ts';

/** Hints per interface within {@link WINDOW_MS}. Forwarding contract, section 5.4. */
const HINTS_MAX = 100;
const WINDOW_MS = 1_000;
/** Interfaces whose hints are counted at the same time; further ones get none. */
const INTERFACES_MAX = 1_000;

export interface HintsParts {
  readonly bus: Pick<Bus, 'publish'>;
  readonly store: Pick<Store, 'hintOwners'>;
  readonly subjects: Subjects;
}

/** `flow.wrongif`: passes hints on to the owners of the arrival interfaces. Forwarding contract, sections 5.4 and 8.1. */
export class Hints {
  readonly #parts: HintsParts;
  readonly #rate = new HintRate();

  constructor(parts: HintsParts) {
    this.#parts = parts;
  }

  /** Rejects with `StoreError`. */
  async execute(
    router: RouterName,
    request: Request<'flow.wrongif'>,
    caller?: Caller,
    trace?: RequestTrace,
  ): Promise<Reply<'flow.wrongif'>> {
    const { bus, store, subjects } = this.#parts;
    const found = await store.hintOwners(router, request, caller, trace);
    if (found.kind === 'refused') return found.reply;
    let count = 0;
    for (const [at, { interface: on, ...flow }] of request.items.entries()) {
      const owner = found.owners[at];
      if (!owner || !this.#rate.admits(`${router} ${on.ifIndex}:${on.nextHop}`)) continue;
      const hint: WrongIfHint = { type: 'WRONG_IF', ...flow, ...on };
      const subject = subjects.hint(router, owner.session, owner.identity);
      bus.publish(subject, encodeMessage(hint));
      count++;
    }
    return { status: 0, count, rev: found.rev };
  }
}

/** Limits the hints of each interface in any span of a second. */
export class HintRate {
  /** By interface, the instants of its last hints; the interface with the latest hint is last. */
  readonly #sent = new Map<string, number[]>();
  readonly #nowMono: () => number;

  /** `nowMono`: ms on a monotonic clock. */
  constructor(nowMono: () => number = () => performance.now()) {
    this.#nowMono = nowMono;
  }

  /** Whether one more hint of this interface may be sent now; counts it if so. */
  admits(name: string): boolean {
    const nowMono = this.#nowMono();
    const isOver = (sentMono: number) => sentMono <= nowMono - WINDOW_MS;
    const known = this.#sent.get(name);
    const sent = known ?? [];
    const [first = -Infinity] = sent;
    if (sent.length === HINTS_MAX && !isOver(first)) return false;
    if (known === undefined && !this.#hasRoom(isOver)) return false;
    if (sent.length === HINTS_MAX) sent.shift();
    sent.push(nowMono);
    this.#sent.delete(name);
    this.#sent.set(name, sent);
    return true;
  }

  /** Makes room for one more interface, if there is one whose hints are all over. */
  #hasRoom(isOver: (sentMono: number) => boolean): boolean {
    if (this.#sent.size < INTERFACES_MAX) return true;
    const [oldest] = this.#sent;
    if (oldest === undefined || !isOver(oldest[1].at(-1) ?? 0)) return false;
    return this.#sent.delete(oldest[0]);
  }
}
