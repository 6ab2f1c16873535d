import type { LogModel } from './log-model.ts';
import type { RouterModel } from './router-model.ts';
import type { By, EpochChoice, Numbered, On, Step } from './steps.ts';
import type {
  EpochNumber,
  Handle,
  InterfaceName,
  Pair,
  Register,
  Request,
  SequencedRequest,
  SessionNumber,
} from './vocabulary.ts';

/** Two routing protocols with two instances each, and IGMP under both forms of its id. */
export const PAIRS: readonly Pair[] = [
  { protocolId: 103, componentId: 1, name: 'pim-1' },
  { protocolId: 10, componentId: 1, name: 'igmp-1' },
  { protocolId: 103, componentId: 2, name: 'pim-2' },
  { protocolId: 0x4137000a, componentId: 1, name: 'igmp-2' },
  { protocolId: 12, componentId: 1, name: 'dvmrp-1' },
  { protocolId: 12, componentId: 2, name: 'dvmrp-2' },
];

const WINDOW = 4096;
/** The number of an epoch that no run reaches. */
const NEVER_GIVEN: EpochNumber = Number.MAX_SAFE_INTEGER;
const ORDER = { actor: 'operator', why: 'a test of the model' };

interface Client {
  readonly pair: Pair;
  instances: number;
  /** The session of the running instance, as the instance knows it, and the fields of its register. */
  present: { readonly session: SessionNumber; readonly registered: Register } | undefined;
  readonly sessions: SessionNumber[];
}

/** The clients of a run and their memory, from which the fields of each request follow. */
export class Clients {
  readonly #router: RouterModel;
  readonly #log: LogModel;
  readonly #interfaces: readonly InterfaceName[];
  readonly #clients: readonly Client[];
  readonly #sent: SequencedRequest[] = [];
  readonly #nextSeq = new Map<SessionNumber, number>();
  readonly #read = new Map<SessionNumber, number>();

  constructor(router: RouterModel, log: LogModel, interfaces: readonly InterfaceName[]) {
    this.#router = router;
    this.#log = log;
    this.#interfaces = interfaces;
    this.#clients = PAIRS.map((pair) => ({ pair, instances: 0, present: undefined, sessions: [] }));
  }

  /** The request of a client; nothing when it has no session yet, or keeps the request for a later step. */
  request(step: Step): Request | undefined {
    switch (step.do) {
      case 'register':
        return this.#register(step);
      case 'take':
        return this.#numbered(step.by, step.numbered, (sequence) => ({
          kind: 'take',
          ...sequence,
          ...this.#on(step.on),
        }));
      case 'release':
        return this.#numbered(step.by, step.numbered, (sequence) => {
          const target = this.#on(step.on);
          const epoch = this.#epoch(target.on[0], step.epoch);
          return { kind: 'release', ...sequence, ...target, ...(epoch !== undefined && { epoch }) };
        });
      case 'deregister':
        return this.#numbered(step.by, step.numbered, (sequence) => ({
          kind: 'deregister',
          ...sequence,
          force: step.force,
        }));
      case 'repeat':
        return this.#repeat(step);
      case 'keepalive':
        return this.#keepalive(step);
      case 'mailbox':
        return this.#mailbox(step);
      case 'owner':
        return { kind: 'owner', on: this.#interface(step.at) };
      case 'validate': {
        const on = this.#interface(step.at);
        return { kind: 'validate', on, epoch: this.#epoch(on, step.epoch) ?? 0 };
      }
      case 'interfaces':
        return this.#interfacesOf(step);
      case 'sessions':
        return { kind: 'sessions', limit: step.limit };
      case 'events':
        return {
          kind: 'events',
          from: Math.max(0, this.#log.head - step.back),
          limit: step.limit,
        };
      case 'admin.release':
        return { kind: 'admin.release', on: this.#interface(step.at), ...ORDER };
      case 'admin.evict': {
        const session = this.#session(step.client, step.session);
        return session === undefined ? undefined : { kind: 'admin.evict', session, ...ORDER };
      }
      case 'crash':
        this.#client(step.client).present = undefined;
        return undefined;
    }
  }

  /** Handles the reply to a register: its instance is the client from now on. */
  registered(request: Register, session: SessionNumber): void {
    const client = this.#clients.find(({ pair }) => pair === request.pair);
    if (!client) return;
    client.present = { session, registered: request };
    if (!client.sessions.includes(session)) client.sessions.push(session);
  }

  /** The request of a healthy client: a keepalive, or a register when it has no session. */
  goOn(client: number): Request {
    const session = this.#client(client).present?.session;
    const isLive = session !== undefined && this.#router.sessions[session - 1]?.state === 'live';
    if (isLive) return { kind: 'keepalive', handle: { session } };
    const lease = { ttlMs: 90_000, graceMs: 0 };
    return this.#register({ do: 'register', client, instance: 'same', takeover: false, ...lease });
  }

  /** Requests that read the present state: holds, sessions, and each mailbox that is not empty. */
  look(): Request[] {
    return this.lookAtAll().filter(
      (one) => one.kind !== 'mailbox' || this.#log.mailbox(one.handle.session, Infinity).length > 0,
    );
  }

  /** The same, with the empty mailboxes. */
  lookAtAll(): Request[] {
    const live = this.#router.sessions.filter(({ state }) => state === 'live');
    return [
      { kind: 'interfaces', limit: 1_000 },
      { kind: 'sessions', limit: 1_000 },
      ...live.map(({ number }) => this.#readMailbox({ session: number }, 1_000)),
    ];
  }

  #client(at: number): Client {
    const client = this.#clients[at];
    if (!client) throw new RangeError(`no client ${at}`);
    return client;
  }

  #interface(at: number): InterfaceName {
    return this.#interfaces[at % this.#interfaces.length] ?? '1:';
  }

  #on({ first, count, bulk }: On): { on: InterfaceName[]; bulk: boolean } {
    const on = Array.from({ length: bulk ? count : 1 }, (_, at) => this.#interface(first + at));
    return { on, bulk };
  }

  #session(at: number, which: 'present' | 'earlier'): SessionNumber | undefined {
    const { present, sessions } = this.#client(at);
    if (which === 'present') return present?.session;
    return sessions.findLast((one) => one !== present?.session);
  }

  #handle({ client, handle }: By): Handle | undefined {
    const which = handle === 'earlier' ? 'earlier' : 'present';
    const session = this.#session(client, which);
    if (session === undefined) return undefined;
    return typeof handle === 'string' ? { session } : { session, forgedAt: handle.forgedAt / 100 };
  }

  #register(step: Extract<Step, { do: 'register' }>): Register {
    const client = this.#client(step.client);
    if (step.instance === 'same' && client.present) return client.present.registered;
    const { takeover, ttlMs, graceMs } = step;
    const instance = `${client.pair.name}-process-${++client.instances}`.padStart(16, '-');
    return { kind: 'register', pair: client.pair, instance, takeover, ttlMs, graceMs };
  }

  #numbered(
    by: By,
    { seq: which, ack: isAcked }: Numbered,
    make: (sequence: { handle: Handle; seq: number; ack: number }) => SequencedRequest,
  ): SequencedRequest | undefined {
    const handle = this.#handle(by);
    if (!handle) return undefined;
    const acked = this.#router.sessions[handle.session - 1]?.ack ?? 1;
    if (which === 'beyond') return make({ handle, seq: acked + WINDOW + 1, ack: acked });
    const isEdge = which === 'edge' && !this.#isUsed(handle.session, acked + WINDOW);
    const seq = isEdge ? acked + WINDOW : this.#takeSeq(handle.session);
    const ack = isEdge ? acked : isAcked ? seq : 1;
    const request = make({ handle, seq, ack });
    if (handle.forgedAt === undefined) this.#sent.push(request);
    return which === 'late' ? undefined : request;
  }

  #isUsed(session: SessionNumber, seq: number): boolean {
    return this.#sent.some((one) => one.handle.session === session && one.seq === seq);
  }

  #takeSeq(session: SessionNumber): number {
    const seq = this.#nextSeq.get(session) ?? 1;
    this.#nextSeq.set(session, seq + 1);
    return seq;
  }

  #repeat({ nth, as }: Extract<Step, { do: 'repeat' }>): SequencedRequest | undefined {
    const earlier = this.#sent.at(-1 - (nth % Math.max(1, this.#sent.length)));
    if (!earlier) return undefined;
    if (as === 'other-ack') return { ...earlier, ack: earlier.seq };
    if (as === 'other-operation') return this.#otherOperation(earlier);
    if (as === 'other-interfaces' && earlier.kind !== 'deregister') {
      return { ...earlier, on: earlier.on.map((on) => this.#nextTo(on)) };
    }
    return earlier;
  }

  #otherOperation({ kind, handle, seq, ack }: SequencedRequest): SequencedRequest {
    const target = { on: [this.#interface(0)], bulk: false };
    if (kind === 'take') return { kind: 'release', handle, seq, ack, ...target };
    return { kind: 'take', handle, seq, ack, ...target };
  }

  #nextTo(on: InterfaceName): InterfaceName {
    return this.#interface(this.#interfaces.indexOf(on) + 1);
  }

  #keepalive(step: Extract<Step, { do: 'keepalive' }>): Request | undefined {
    const handle = this.#handle(step.by);
    if (!handle) return undefined;
    const ack = step.ack && this.#nextSeq.get(handle.session);
    const head = this.#log.mailbox(handle.session, this.#log.head).length;
    const mailboxAck = { none: 0, half: Math.floor(head / 2), all: head }[step.mailboxAck];
    if (handle.forgedAt === undefined) {
      this.#read.set(handle.session, Math.max(mailboxAck, this.#read.get(handle.session) ?? 0));
    }
    return { kind: 'keepalive', handle, ...(ack && { ack }), ...(mailboxAck && { mailboxAck }) };
  }

  #mailbox({ by, limit }: Extract<Step, { do: 'mailbox' }>): Request | undefined {
    const handle = this.#handle(by);
    return handle && this.#readMailbox(handle, limit);
  }

  #readMailbox(handle: Handle, limit: number): Request {
    return { kind: 'mailbox', handle, from: this.#read.get(handle.session) ?? 0, limit };
  }

  #interfacesOf({ limit, of, client }: Extract<Step, { do: 'interfaces' }>): Request {
    const { pair } = this.#client(client);
    const session = this.#session(client, 'present');
    return {
      ...({ kind: 'interfaces', limit } as const),
      ...(of === 'session' && session !== undefined && { session }),
      ...(of === 'protocol' && { protocolId: pair.protocolId }),
    };
  }

  /** An epoch to present: the one in force, the one before it, that of IGMP, or one that was never granted. */
  #epoch(on: InterfaceName | undefined, which: EpochChoice): EpochNumber | undefined {
    const present = this.#router.owners.get(on ?? '')?.epoch;
    const igmp = this.#router.igmp.get(on ?? '')?.epoch;
    if (which === 'none') return undefined;
    if (which === 'never') return NEVER_GIVEN;
    if (which === 'igmp') return igmp ?? present ?? 0;
    return Math.max(0, (present ?? igmp ?? 0) - (which === 'before' ? 1 : 0));
  }
}
