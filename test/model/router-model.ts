import type {
  DueEvent,
  EpochNumber,
  EventCause,
  Handle,
  InterfaceName,
  LogEvent,
  Order,
  Pair,
  Register,
  SequencedRequest,
  Reply,
  SessionNumber,
} from './vocabulary.ts';

/**
 * A session. `live` while its lease runs; `stale` in its grace time: still the owner, its handle refused; `over` for good.
 * Ways: live → stale → over, live → over. Never back: a pair that registers again gets another session (sections 3 and 7).
 */
export interface Session {
  readonly number: SessionNumber;
  readonly pair: Pair;
  readonly instance: string;
  readonly ttlMs: number;
  readonly graceMs: number;
  /** The interfaces it inherited at its beginning, and their epoch. */
  readonly inherited: { readonly owned: number; readonly epoch: EpochNumber } | undefined;
  state: 'live' | 'stale' | 'over';
  /** The end of the lease or, for a stale session, of the grace time. */
  expiresAt: number;
  overSince: number;
  end: 'expired' | 'evicted' | 'deregistered' | 'superseded' | undefined;
  /** Every `seq` below it is finished or abandoned. */
  ack: number;
  /** The reply to each `seq` from `ack` on. */
  readonly replies: Map<number, { readonly kind: SequencedRequest['kind']; readonly reply: Reply }>;
}

/** The presence of a session on an interface. */
interface Hold {
  readonly session: Session;
  readonly epoch: EpochNumber;
}

/** IGMP is recognised by its id: 10, or a composite id of multicast type whose low 16 bits are 10 (section 3). */
export function isIgmp({ protocolId }: Pair): boolean {
  return protocolId === 10 || (protocolId >>> 30 === 1 && (protocolId & 0xffff) === 10);
}

/** One router: its sessions, holds and events. Time passes only by `passTime`. */
export class RouterModel {
  nowMs = 0;
  readonly sessions: Session[] = [];
  /** The routing protocol that owns an interface: at most one (semantics G5, states S2 and S3). */
  readonly owners = new Map<InterfaceName, Hold>();
  /** The IGMP session on an interface: at most one, with an owner or alone (Q1, states S1 and S3). */
  readonly igmp = new Map<InterfaceName, Hold>();
  #lastEpoch: EpochNumber = 0;
  #due: DueEvent[] = [];

  /** Section 7: the end of a lease takes effect by itself, before it is noticed. */
  passTime(ms: number): void {
    this.nowMs += ms;
    for (const session of this.sessions) this.#lapse(session);
  }

  #lapse(session: Session): void {
    if (session.state === 'live' && this.nowMs >= session.expiresAt && session.graceMs > 0) {
      session.state = 'stale';
      session.expiresAt += session.graceMs;
      this.say('later', 'stale', session);
    }
    if (session.state === 'over' || this.nowMs < session.expiresAt) return;
    this.say('later', 'expired', session);
    this.end(session, 'expired');
    this.loseAll(session, 'expire');
  }

  /** Section 6: larger than every epoch before it. */
  newEpoch(): EpochNumber {
    return ++this.#lastEpoch;
  }

  /** The session that a pair has, live or stale. */
  present(pair: Pair): Session | undefined {
    return this.sessions.find(
      (one) =>
        one.state !== 'over' &&
        one.pair.protocolId === pair.protocolId &&
        one.pair.componentId === pair.componentId,
    );
  }

  /** Section 3: the holder of the handle is the client. */
  sessionOf({ session, forgedAt }: Handle): Session | undefined {
    return forgedAt === undefined ? this.sessions[session - 1] : undefined;
  }

  open({ pair, instance, ttlMs, graceMs }: Register, inherited?: Session['inherited']): Session {
    const session: Session = {
      number: this.sessions.length + 1,
      ...{ pair, instance, ttlMs, graceMs, inherited },
      state: 'live',
      expiresAt: this.nowMs + ttlMs,
      overSince: 0,
      end: undefined,
      ack: 1,
      replies: new Map(),
    };
    this.sessions.push(session);
    return session;
  }

  end(session: Session, how: Session['end']): void {
    session.state = 'over';
    session.overSince = this.nowMs;
    session.end = how;
  }

  /** The holds of this kind: IGMP's are separate from those of owners (semantics 4.3). */
  placesOf(session: Session): Map<InterfaceName, Hold> {
    return isIgmp(session.pair) ? this.igmp : this.owners;
  }

  /** The interfaces that a session is on. */
  heldBy(session: Session): InterfaceName[] {
    const held = [...this.placesOf(session)].filter(([, hold]) => hold.session === session);
    return held.map(([on]) => on);
  }

  /** Section 5: `taken`, or `igmp-taken`; semantics T1, T2, T3, T7. */
  gain(session: Session, on: InterfaceName): EpochNumber {
    const epoch = this.newEpoch();
    this.placesOf(session).set(on, { session, epoch });
    const type = isIgmp(session.pair) ? 'igmp-taken' : 'taken';
    this.say('now', type, session, { on, epoch, cause: 'take' });
    return epoch;
  }

  /** Section 5: `released`, or `igmp-released`; semantics T10 to T13. */
  lose(
    session: Session,
    on: InterfaceName,
    cause: EventCause,
    { by, when = 'now' }: { readonly by?: Order; readonly when?: DueEvent['when'] } = {},
  ): void {
    const places = this.placesOf(session);
    const epoch = places.get(on)?.epoch ?? 0;
    places.delete(on);
    const type = isIgmp(session.pair) ? 'igmp-released' : 'released';
    this.say(when, type, session, { on, epoch, cause, ...by });
  }

  /** B5: a session that ends loses its interfaces one by one, as by release; their order is not specified. */
  loseAll(session: Session, cause: EventCause, by?: Order): void {
    for (const on of this.heldBy(session)) {
      this.lose(session, on, cause, { when: 'later', ...(by && { by }) });
    }
  }

  say(
    when: DueEvent['when'],
    type: string,
    { number, pair: { protocolId, componentId } }: Session,
    fields: Partial<LogEvent> = {},
  ): void {
    this.#due.push({ when, event: { type, session: number, protocolId, componentId, ...fields } });
  }

  /** The events since the last call, in the order of execution. */
  takeDue(): DueEvent[] {
    return this.#due.splice(0);
  }
}
