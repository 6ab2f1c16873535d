import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from '@mgm/nats';
import { Chance } from '../../support/chance.ts';
import { newInstance, Protocols, RawRouter } from '../../support/raw-client.ts';
import { pack, unpack } from '../../support/raw-codec.ts';
import { type Op, OPS } from '../../support/raw-operations.ts';
import { hostileSetup, type HostileReport } from './hostile-setup.ts';
import { order, RESTING } from './worker-setup.ts';

/** Far above the number of sessions of a run. */
const SESSIONS_READ = 100;
const SESSIONS_EVERY_MS = 500;
const OWN_TTL_MS = 1_000;
const RETRY_MS = 200;
/** Concurrent requests. */
const LANES = 4;
const LONGEST_TTL_MS = 300_000;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;
/** Reply subjects that a manager must not reply to: they would make it send requests, or commands of the NATS protocol. */
const FOREIGN_REPLIES = ['deregister', 'take', 'head', 'event.taken'];
const UNPRINTABLE_REPLIES = [
  '_INBOX.a\u0120b',
  '_INBOX.\u010dx',
  '_INBOX.x\u010ay',
  '_INBOX.\u00e9',
];

/** One kind of hostile request: sends a few, and returns how many were executed although they must not be. */
type Attack = (router: RawRouter) => Promise<number>;

/**
 * A client without any right on a router, as a process of its own: it knows the public session numbers and the wire contract, and
 * sends requests of which none may have an effect.
 */
class Hostile {
  readonly #chance: Chance;
  readonly #nats: NatsConnection;
  readonly #report: HostileReport = { sent: {}, executed: {} };
  readonly #attacks: Readonly<Record<string, Attack>> = {
    malformed: async (router) => this.#malformed(router),
    'foreign-reply': async (router) => this.#foreignReplies(router),
    'invented-handle': (router) => this.#inventedHandle(router),
    'refused-register': (router) => this.#refusedRegister(router),
    'invented-claims': (router) => this.#inventedClaims(router),
  };
  #sessions: readonly number[] = [];
  #readMono = -Infinity;
  /** The attacker's own session, as a former registration of its pair. */
  #instance = newInstance();

  constructor(nats: NatsConnection, seed: number) {
    this.#nats = nats;
    this.#chance = new Chance(seed);
  }

  get report(): HostileReport {
    return this.#report;
  }

  /** Sends one random kind of request to a router. A request without a reply counts as not executed. */
  async attack(router: RawRouter): Promise<void> {
    await this.#readSessions(router);
    const kind = this.#chance.one(Object.keys(this.#attacks));
    const executed = await this.#attacks[kind]?.(router).catch(() => 0);
    const { sent, executed: all } = this.#report;
    sent[kind] = (sent[kind] ?? 0) + 1;
    if (executed) all[kind] = (all[kind] ?? 0) + executed;
  }

  /**
   * Ends the session of the attacker's pair, so that it leaves nothing behind. It takes the pair over: a register with a long
   * lease may have been executed and its repeat refused.
   */
  async leave(router: RawRouter): Promise<void> {
    const session = await this.#own(router, { takeover: true }).catch(() => undefined);
    await session?.deregister().catch(() => {});
  }

  /** Anyone may read the session numbers of a router. */
  async #readSessions(router: RawRouter): Promise<void> {
    if (performance.now() - this.#readMono < SESSIONS_EVERY_MS) return;
    this.#readMono = performance.now();
    const reply = await router.request('sessions', { limit: SESSIONS_READ }).catch(() => undefined);
    if (reply?.status === 0) this.#sessions = reply.items.map(({ session }) => session);
  }

  #malformed(router: RawRouter): number {
    const op = this.#chance.one(OPS);
    const bytes = this.#chance.one([
      randomBytes(this.#chance.between(1, 200)),
      // Lists within lists, far deeper than any message of the contract.
      Buffer.alloc(this.#chance.between(100, 60_000), 0x91),
      // A list and a text that promise four billion items.
      Buffer.from([0x81, 0xa1, 0x78, 0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x81, 0xa1, 0x78, 0xdb, 0xff, 0xff, 0xff, 0xff]),
      // Above the size limit of a request.
      Buffer.alloc(65_537 + this.#chance.between(0, 50_000), 0xc0),
      // Floats where the contract has integers.
      Buffer.concat([pack({ handle: this.#handle() }), Buffer.from([0xcb])]),
    ]);
    this.#publish(router, op, bytes);
    return 0;
  }

  #foreignReplies(router: RawRouter): number {
    const root = `${router.prefix}.${router.name}.`;
    const foreign = FOREIGN_REPLIES.map((tail) => root + tail);
    const reply = this.#chance.one([...foreign, ...UNPRINTABLE_REPLIES]);
    const op = this.#chance.one(['owner', 'sessions', 'events', 'keepalive'] as const);
    this.#publish(router, op, pack({ ifIndex: 1, handle: this.#handle(), from: 0 }), reply);
    return 0;
  }

  async #inventedHandle(router: RawRouter): Promise<number> {
    const op = this.#chance.one(['take', 'release', 'deregister', 'keepalive', 'mailbox'] as const);
    const seq = this.#chance.between(1, 4_096);
    const handle = this.#handle();
    const fields = {
      handle,
      ...(op === 'mailbox' ? { from: 0 } : {}),
      ...(op === 'keepalive' ? { ack: seq, mailboxAck: seq } : {}),
      ...(op === 'take' || op === 'release' || op === 'deregister' ? { seq, ack: seq } : {}),
      ...(op === 'take' || op === 'release' ? { ifIndex: this.#chance.between(1, 5) } : {}),
      ...(op === 'deregister' ? { force: true } : {}),
    };
    return (await router.request(op, fields)).status === 0 ? 1 : 0;
  }

  /** Another instance of a live pair is refused; invented `resumes` and a long lease must not change the router's state. */
  async #refusedRegister(router: RawRouter): Promise<number> {
    await this.#own(router);
    const fields = {
      ...this.#pair(),
      instance: newInstance(),
      ttlMs: LONGEST_TTL_MS,
      resumes: this.#chance.one([MAX_SAFE, this.#victim(), 1]),
    };
    const reply = await untilReplied(() => router.request('register', fields));
    if (reply.status !== 0) return 0;
    // The attacker's session expired during a fault, so this register was legitimate. It must not stay for its long lease.
    this.#instance = newInstance();
    const { handle } = reply;
    await untilReplied(() => router.request('deregister', { handle, seq: 1, ack: 1 }));
    return 0;
  }

  /** Claims of former ownerships, as after a loss of data, of interfaces that this client never owned. */
  async #inventedClaims(router: RawRouter): Promise<number> {
    const count = this.#chance.between(1, 1_024);
    const interfaces = Array.from({ length: count }, (_, at) => [at + 1, '']);
    const held = interfaces.map(() => String(2n ** 62n));
    const fields = { handle: this.#handle(), seq: 1, ack: 1, interfaces, held };
    return (await router.request('take', fields)).status === 0 ? 1 : 0;
  }

  #pair(): { protocolId: number; componentId: number } {
    return { protocolId: Protocols.pim, componentId: 666 };
  }

  /** A live session of the attacker's own pair. */
  async #own(router: RawRouter, { takeover = false } = {}) {
    const fields = { ...this.#pair(), instance: this.#instance, ttlMs: OWN_TTL_MS, takeover };
    return await router.register(fields).catch((error: unknown) => {
      this.#instance = newInstance();
      throw error;
    });
  }

  #victim(): number {
    return this.#sessions.length > 0 ? this.#chance.one(this.#sessions) : MAX_SAFE;
  }

  /** The form of a handle, with the session number of a victim and an invented secret. */
  #handle(): string {
    const secret = randomBytes(16).toString('base64url').slice(0, 22);
    return `${this.#chance.between(1, 8)}.${this.#victim()}.${secret}`;
  }

  #publish(router: RawRouter, op: Op, bytes: Uint8Array, reply?: string): void {
    const subject = `${router.prefix}.${router.name}.${op}`;
    this.#nats.publish(subject, bytes, reply === undefined ? {} : { reply });
  }
}

/** Repeats a request until it is answered, by a reply or a final refusal. */
async function untilReplied<Reply extends { readonly status: number }>(
  request: () => Promise<Reply>,
): Promise<Reply> {
  for (;;) {
    const reply = await request().catch(() => undefined);
    // 1003: unavailable, overloaded or indeterminate.
    if (reply !== undefined && reply.status !== 1003) return reply;
    await delay(RETRY_MS);
  }
}

/** Counts messages on subjects that only a reply to a foreign subject can reach. */
function watchForeignReplies(nats: NatsConnection, routers: readonly RawRouter[]): () => number {
  let seen = 0;
  for (const reply of UNPRINTABLE_REPLIES) {
    nats.subscribe(reply, { callback: () => seen++ });
  }
  for (const { prefix, name } of routers) {
    // A reply on the subject of an operation is a map with a status, which no request has.
    nats.subscribe(`${prefix}.${name}.>`, {
      callback: (error, { data }) => {
        if (!error && hasStatus(data)) seen++;
      },
    });
  }
  return () => seen;
}

function hasStatus(data: Uint8Array): boolean {
  try {
    const value = unpack(data);
    return typeof value === 'object' && value !== null && 'status' in value;
  } catch {
    return false;
  }
}

async function main(): Promise<void> {
  const setup = hostileSetup.parse(JSON.parse(process.argv[2] ?? ''));
  const options = { maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true };
  const nats = await connect({ servers: setup.servers, name: 'hostile', ...options });
  const routers = setup.routers.map((name) => new RawRouter(nats, name));
  const foreignReplies = watchForeignReplies(nats, routers);
  const hostile = new Hostile(nats, setup.seed);
  let isResting = false;
  process.once('disconnect', () => process.exit());
  process.on('message', (message) => {
    if (order.parse(message) === 'leave') process.exit();
    isResting = true;
  });
  const lane = async (): Promise<void> => {
    while (!isResting) {
      await delay((LANES * 1_000) / setup.perSecond);
      for (const router of routers) await hostile.attack(router);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const router of routers) await hostile.leave(router);
  await nats.flush();
  const executed = { ...hostile.report.executed };
  if (foreignReplies() > 0) executed['foreign-reply'] = foreignReplies();
  process.send?.({ kind: 'report', sent: hostile.report.sent, executed });
  process.send?.(RESTING);
}

await main();
