import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '@mgm/nats';
import { type Answer, type EventMessage, ok, type Op, readAnswer } from './raw-answers.ts';
import { type Fields, pack } from './raw-codec.ts';
import { RawSession } from './raw-session.ts';
import { RawWatch } from './raw-watch.ts';

/** Far above any honest answer; what takes longer is lost. */
const REPLY_WITHIN_MS = 5_000;
/** Long enough that no test loses a session it did not mean to lose. */
const UNHURRIED_TTL_MS = 60_000;

/** Protocol ids for tests: composite ids of multicast type, vendor 0x137. */
export const Protocols = { igmp: 0x4137000a, pim: 0x41370101, dvmrp: 0x41370102 } as const;

/** An instance as a process would draw it at its start. */
export function newInstance(): string {
  return randomBytes(12).toString('hex');
}

/**
 * One router's namespace as a worker in any language would use it: bare NATS and MessagePack, nothing of ours in between.
 * It shares no code with the product, so that a misreading of the wire contract cannot hide on both sides.
 */
export class RawRouter {
  readonly nats: NatsConnection;
  readonly name: string;
  readonly prefix: string;

  constructor(nats: NatsConnection, name: string, prefix = 'mgm.v1') {
    this.nats = nats;
    this.name = name;
    this.prefix = prefix;
  }

  /** The same router over another connection. */
  over(nats: NatsConnection): RawRouter {
    return new RawRouter(nats, this.name, this.prefix);
  }

  /** Sends one request and gives the reply, refusal or not. Rejects as NATS does where nobody answers. */
  async request<Name extends Op>(op: Name, fields: Fields): Promise<Answer<Name>> {
    return readAnswer<Name>(await this.send(op, pack(fields)));
  }

  /** Sends any bytes as a request and gives the bytes of the reply. */
  async send(op: Op, payload: Uint8Array): Promise<Uint8Array> {
    const subject = `${this.prefix}.${this.name}.${op}`;
    return (await this.nats.request(subject, payload, { timeout: REPLY_WITHIN_MS })).data;
  }

  /** Registers a client, by default PIM with a fresh instance and a long lease. */
  async register(fields: Fields = {}): Promise<RawSession> {
    const asked = { ...defaultRegistration(), ...fields };
    return new RawSession(this, asked, ok(await this.request('register', asked)));
  }

  /** Starts collecting what managers publish about this router. What happens after the call is not missed. */
  watch(): RawWatch {
    return new RawWatch(this);
  }

  owner(ifIndex: number, nextHop?: unknown): Promise<Answer<'owner'>> {
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

/** What `register` asks for where a test does not say otherwise. */
export function defaultRegistration(): Fields {
  return {
    protocolId: Protocols.pim,
    componentId: 1,
    instance: newInstance(),
    name: 'worker',
    ttlMs: UNHURRIED_TTL_MS,
  };
}
