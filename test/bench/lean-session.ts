import type { NatsConnection } from '@mgm/nats';
import type { RawRouter, RawSession } from '../support/raw-client.ts';
import { type Fields, isPlainMap, pack, unpack } from '../support/raw-codec.ts';
import { LeanBus } from './lean-bus.ts';
import { inFlight } from './load.ts';
import { Numbering } from './numbering.ts';

/** The maximum (wire contract, section 3). */
const LONG_TTL_MS = 300_000;
const KEPT_EVERY_MS = LONG_TTL_MS / 4;

/** One session that sends changes one per message, or in bulk, without the client library. */
export class LeanSession implements Disposable {
  readonly #session: RawSession;
  readonly #bus: LeanBus;
  readonly #numbering = new Numbering();
  readonly #subjects: string;
  readonly #keeping: NodeJS.Timeout;

  private constructor(session: RawSession, nats: NatsConnection) {
    this.#session = session;
    this.#bus = new LeanBus(nats);
    const { prefix, name } = session.router;
    this.#subjects = `${prefix}.${name}.`;
    this.#keeping = setInterval(() => void session.keepalive(), KEPT_EVERY_MS);
  }

  static async register(
    router: RawRouter,
    componentId = 1,
    fields: Fields = {},
  ): Promise<LeanSession> {
    const session = await router.register({ componentId, ttlMs: LONG_TTL_MS, ...fields });
    return new LeanSession(session, router.nats);
  }

  /** The session as tests use it. Its numbered requests must not be mixed with those of this one. */
  get raw(): RawSession {
    return this.#session;
  }

  take(ifIndex: number): Promise<void> {
    return this.#change('take', { ifIndex });
  }

  release(ifIndex: number): Promise<void> {
    return this.#change('release', { ifIndex });
  }

  /** Takes interfaces `first` to `first + count - 1`, in bulk. */
  takeMany(count: number, first = 1): Promise<void> {
    return this.#changeMany('take', count, first);
  }

  /** Releases interfaces `first` to `first + count - 1`, in bulk. */
  releaseMany(count: number, first = 1): Promise<void> {
    return this.#changeMany('release', count, first);
  }

  changeMembership(operation: MemberChange, ifIndex: number, group: number): Promise<void> {
    return this.#change(operation, { ifIndex, group });
  }

  /** Adds or deletes memberships in bulk, four requests at a time. */
  async changeMemberships(operation: MemberChange, all: readonly Element[]): Promise<void> {
    const requests = Math.ceil(all.length / MEMBERSHIP_BULK);
    await inFlight(requests, BULKS_AT_ONCE, async (at) => {
      const some = all.slice(at * MEMBERSHIP_BULK, (at + 1) * MEMBERSHIP_BULK);
      const entries = some.map(([ifIndex, group]) => [ifIndex, '', group, '']);
      await this.#change(operation, { entries });
    });
  }

  /** Ends the session and everything that it holds. */
  deregister(): Promise<void> {
    return this.#change('deregister', { force: true });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keeping);
    this.#bus[Symbol.dispose]();
  }

  async #changeMany(operation: Change, count: number, first: number): Promise<void> {
    for (let done = 0; done < count; done += BULK) {
      const length = Math.min(BULK, count - done);
      const interfaces = Array.from({ length }, (_, at) => [first + done + at]);
      await this.#change(operation, { interfaces });
    }
  }

  #change(operation: Change, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const { handle } = this.#session;
    return this.#numbering.use(async (numbers) => {
      const request = pack({ handle, ...numbers, ...fields });
      mustBeYes(await this.#bus.request(this.#subjects + operation, request));
    });
  }
}

export type MemberChange = 'member.add' | 'member.delete';

/** Interface and group, a u32, of a membership. */
export type Element = readonly [ifIndex: number, group: number];

type Change = 'take' | 'release' | 'deregister' | MemberChange;

/** The most memberships of one request, and requests at a time. */
const MEMBERSHIP_BULK = 256;
const BULKS_AT_ONCE = 4;

/** The most interfaces of one request (wire contract, section 2). */
const BULK = 1024;

function mustBeYes(bytes: Uint8Array): void {
  const reply = unpack(bytes);
  const said = isPlainMap(reply) ? reply : {};
  const results = Array.isArray(said['results']) ? said['results'] : [];
  const isYes = (one: unknown): boolean => isPlainMap(one) && one['status'] === 0;
  const failed = Array.isArray(said['failed']) ? said['failed'] : [];
  const isDone = isYes(said) && results.every(isYes) && failed.length === 0;
  if (!isDone) throw new Error(`refused: ${JSON.stringify(reply)}`);
}
