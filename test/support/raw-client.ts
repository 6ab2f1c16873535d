import { randomBytes } from 'node:crypto';
import type { NatsConnection, Subscription } from '@mgm/nats';
import type {
  Callback,
  EventMessage,
  Head,
  MembershipMessage,
  MfeMessage,
  Op,
} from './raw-operations.ts';
import { type Accepted, type Reply, ok, readReply } from './raw-replies.ts';
import { type Fields, pack, unpack } from './raw-codec.ts';

/** Far above the time of any reply; a later one counts as lost. */
const REPLY_WITHIN_MS = 15_000;
/** The maximum, so that no session expires in a test that is not about leases, however busy the machine is. */
const UNHURRIED_TTL_MS = 300_000;

/** Protocol ids for tests: composite ids of multicast type, vendor 0x137. */
export const Protocols = { igmp: 0x4137000a, pim: 0x41370101, dvmrp: 0x41370102 } as const;

/** A random `instance`, as a process draws at its start. */
export function newInstance(): string {
  return randomBytes(12).toString('hex');
}

/**
 * One router's namespace as a worker in any language uses it: NATS and MessagePack, without any code of the product.
 * A misreading of the wire contract therefore cannot hide on both sides.
 */
export class RawRouter {
  readonly nats: NatsConnection;
  readonly name: string;
  readonly prefix: string;
  /** The connection for operations of operators. Default: `nats` */
  readonly operator: NatsConnection | undefined;

  constructor(nats: NatsConnection, name: string, prefix = 'mgm.v1', operator?: NatsConnection) {
    this.nats = nats;
    this.name = name;
    this.prefix = prefix;
    this.operator = operator;
  }

  /** The same router over another connection. */
  over(nats: NatsConnection): RawRouter {
    return new RawRouter(nats, this.name, this.prefix, this.operator);
  }

  /** Sends one request and returns the reply or refusal. Rejects with the NATS error when no manager replies in time. */
  async request<Name extends Op>(op: Name, fields: Fields): Promise<Reply<Name>> {
    return readReply<Name>(await this.send(op, pack(fields)));
  }

  /** Sends any bytes as a request and returns the bytes of the reply. */
  async send(op: Op, payload: Uint8Array): Promise<Uint8Array> {
    const subject = `${this.prefix}.${this.name}.${op}`;
    const nats = (op.startsWith('admin.') ? this.operator : undefined) ?? this.nats;
    return (await nats.request(subject, payload, { timeout: REPLY_WITHIN_MS })).data;
  }

  /** Registers a client, by default PIM with a fresh instance and a long lease. */
  async register(fields: Fields = {}): Promise<RawSession> {
    const asked = { ...defaultRegistration(), ...fields };
    return new RawSession(this, asked, ok(await this.request('register', asked)));
  }

  /** Starts collecting what managers publish about this router, from this call on. */
  watch(): RawWatch {
    return new RawWatch(this);
  }

  owner(ifIndex: number, nextHop?: unknown): Promise<Reply<'owner'>> {
    return this.request('owner', { ifIndex, nextHop });
  }

  /** The router's revision. */
  async rev(): Promise<number> {
    return ok(await this.request('events', { from: 0, limit: 1 })).head;
  }

  /** Every event above `rev`, page by page. */
  async eventsAfter(rev: number): Promise<EventMessage[]> {
    const found: EventMessage[] = [];
    for (let from = rev; ;) {
      const page = ok(await this.request('events', { from, limit: 1000 }));
      found.push(...page.events);
      from = found.at(-1)?.rev ?? from;
      if (page.events.length === 0 || from >= page.head) return found;
    }
  }
}

/** The default fields of `register`. */
export function defaultRegistration(): Fields {
  return {
    protocolId: Protocols.pim,
    componentId: 1,
    instance: newInstance(),
    name: 'worker',
    ttlMs: UNHURRIED_TTL_MS,
  };
}

/** A pair of interface index and next hop, as `interfaces` lists them. */
export type Pair = readonly [ifIndex: number, nextHop: unknown];

/** The operations that `seq` and `ack` number. */
export type Numbered =
  | 'take'
  | 'release'
  | 'deregister'
  | 'member.add'
  | 'member.delete'
  | 'interface.set'
  | 'member.set'
  | 'rib.set'
  | 'rib.delete'
  | 'mfe.set';

/**
 * A registered client. Its sequenced requests count `seq` and set `ack` to it, which declares all earlier ones finished,
 * so they are sent one after the other. Tests of sequencing use `router.request`.
 */
export class RawSession {
  readonly router: RawRouter;
  readonly asked: Fields;
  readonly registered: Accepted<'register'>;
  #seq = 0;

  constructor(router: RawRouter, asked: Fields, registered: Accepted<'register'>) {
    this.router = router;
    this.asked = asked;
    this.registered = registered;
  }

  get handle(): string {
    return this.registered.handle;
  }

  get session(): number {
    return this.registered.session;
  }

  /** The fields by which events and replies name this client. */
  get named(): { protocolId: unknown; componentId: unknown; session: number } {
    const { protocolId, componentId } = this.asked;
    return { protocolId, componentId, session: this.session };
  }

  /** `handle`, the next `seq`, and an `ack` that declares everything before it finished. */
  next(): { handle: string; seq: number; ack: number } {
    this.#seq += 1;
    return { handle: this.handle, seq: this.#seq, ack: this.#seq };
  }

  change<Name extends Numbered>(op: Name, fields: Fields): Promise<Reply<Name>> {
    return this.router.request(op, { ...this.next(), ...fields });
  }

  take(ifIndex: number, nextHop?: unknown): Promise<Reply<'take'>> {
    return this.change('take', { ifIndex, nextHop });
  }

  takeAll(interfaces: readonly Pair[]): Promise<Reply<'take'>> {
    return this.change('take', { interfaces });
  }

  release(ifIndex: number, nextHop?: unknown): Promise<Reply<'release'>> {
    return this.change('release', { ifIndex, nextHop });
  }

  releaseAll(interfaces: readonly Pair[]): Promise<Reply<'release'>> {
    return this.change('release', { interfaces });
  }

  deregister(fields: Fields = {}): Promise<Reply<'deregister'>> {
    return this.change('deregister', fields);
  }

  /** `member.add` in the single form. */
  add(ifIndex: number, group?: unknown, fields: Fields = {}): Promise<Reply<'member.add'>> {
    return this.change('member.add', { ifIndex, group, ...fields });
  }

  /** `member.delete` in the single form. */
  delete(ifIndex: number, group?: unknown, fields: Fields = {}): Promise<Reply<'member.delete'>> {
    return this.change('member.delete', { ifIndex, group, ...fields });
  }

  /** `member.add` or `member.delete` of up to 256 elements. */
  bulk<Name extends 'member.add' | 'member.delete'>(
    op: Name,
    entries: readonly (readonly unknown[])[],
  ): Promise<Reply<Name>> {
    return this.change(op, { entries });
  }

  keepalive(fields: Fields = {}): Promise<Reply<'keepalive'>> {
    return this.router.request('keepalive', { handle: this.handle, ...fields });
  }

  /** The callbacks above `from` that the managers keep for this session. */
  async mailbox(from = 0): Promise<readonly Callback[]> {
    const { handle } = this;
    return ok(await this.router.request('mailbox', { handle, from, limit: 1000 })).messages;
  }
}

/** `count` interfaces without next hop, from `first` on. */
export function pairs(count: number, first = 1): Pair[] {
  return Array.from({ length: count }, (_, at): Pair => [first + at, '']);
}

/** The messages that managers published about one router since the watch began, in order of arrival. */
export class RawWatch implements Disposable {
  readonly events: EventMessage[] = [];
  readonly memberships: MembershipMessage[] = [];
  readonly callbacks = new Map<number, Callback[]>();
  readonly heads: Head[] = [];
  /** Changes of forwarding entries. */
  readonly mfes: MfeMessage[] = [];
  /** The bytes of everything published, by the last part of its subject. */
  readonly raw: { readonly subject: string; readonly bytes: Uint8Array }[] = [];
  /** Events on a subject that does not name their type. */
  readonly misplaced: EventMessage[] = [];
  readonly #subscriptions: Subscription[];

  constructor({ nats, prefix, name }: RawRouter) {
    const root = `${prefix}.${name}.`;
    this.#subscriptions = ['event.*', 'membership.*', 'callback.*', 'mfe', 'head'].map((tail) =>
      nats.subscribe(root + tail, {
        callback: (error, message) => {
          if (error) throw error;
          this.#take(message.subject.slice(root.length), message.data);
        },
      }),
    );
  }

  /** Callbacks pushed to one session. */
  callbacksOf(session: number): Callback[] {
    return this.callbacks.get(session) ?? [];
  }

  /** Pushed events above `rev`, sorted: replicas publish independently, so arrival has no order between them. */
  eventsAfter(rev: number): EventMessage[] {
    return this.events.filter((event) => event.rev > rev).toSorted((a, b) => a.rev - b.rev);
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #take(subject: string, bytes: Uint8Array): void {
    this.raw.push({ subject, bytes });
    const [kind, tail] = subject.split('.');
    if (kind === 'event') this.#takeEvent(tail, unpack(bytes) as EventMessage);
    else if (kind === 'membership') this.memberships.push(unpack(bytes) as MembershipMessage);
    else if (kind === 'callback') this.#takeCallback(Number(tail), unpack(bytes) as Callback);
    else if (kind === 'mfe') this.mfes.push(unpack(bytes) as MfeMessage);
    else this.heads.push(unpack(bytes) as Head);
  }

  #takeEvent(type: string | undefined, event: EventMessage): void {
    this.events.push(event);
    if (event.type !== type) this.misplaced.push(event);
  }

  #takeCallback(session: number, callback: Callback): void {
    this.callbacks.set(session, [...this.callbacksOf(session), callback]);
  }
}
